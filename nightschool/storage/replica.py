"""A home as the copy of a store: what is written here is put there, and what other machines wrote is fetched.

Tables are Delta tables on both sides: their files never change, and a log of numbered commits says which files count.
A commit is created in the store only where there is none of its number, so that of two writers one is refused, and the
log of releases comes last: who reads the store, or a copy of it, sees whole releases.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Final
from uuid import uuid4

from nightschool.columns import NIGHTS, RELEASES
from nightschool.errors import Busy, ConfigurationError, Moved
from nightschool.settings import HomePaths
from nightschool.storage.delta_files import added_files, commit_nothing, has_table
from nightschool.storage.lease import Lease
from nightschool.storage.lock import locked
from nightschool.storage.shared_binding import share_binding, take_binding
from nightschool.storage.store import Entry, Store
from nightschool.storage.store_names import HINT, LOG, RELEASES_TABLE, fetch_order, is_commit, is_of_releases, put_order
from nightschool.storage.synced import FETCHING, Synced, SyncedFiles

_DRAFT: Final = ".tmp"
_OWN: Final = f"lake/{NIGHTS.name}/"
"""Which tries a machine made, and whether one still runs, is its own affair."""
ID: Final = "_id"
CHANGED: Final = "_changed"
"""Written last by whoever changed the store: who follows it looks at nothing else."""


class Replica:
    """The copy of a store in a home: tables, served files and models.

    Attributes:
        lease: The lease under which this process writes; None while it only reads.
    """

    def __init__(self, paths: HomePaths, store: Store) -> None:
        self.store = store
        self.lease: Lease | None = None
        self._paths = paths
        self._root = paths.root
        self._folders = tuple(folder.name for folder in (paths.lake, paths.serving, paths.mlflow_artifacts))
        self._seen = ""

    def pull(self) -> None:
        """Fetch what the store has and the home has not: logs after files, and the log of releases at the very end.

        What was removed there is removed here. Commits that were made here and were not put there yet stay, unless
        others made theirs since: then all of those made here are dropped, as one may build on another.

        Raises:
            ConfigurationError: The home is the copy of another store, or holds data of its own.
        """
        self._pull(self._folders)

    def follow(self) -> None:
        """Fetch as `pull` does, where the store was changed since this was called last.

        While the home changes it is the store that follows, and nothing is fetched.

        Raises:
            ConfigurationError: As `pull`.
        """
        entry = self.store.entry(CHANGED)
        if entry is not None and entry.tag == self._seen:
            return
        if entry is None:
            with self._both():  # nobody has written there: is it the store that this home is a copy of?
                return
        with suppress(BlockingIOError), locked(self._paths.replica_turn, waiting=False):
            self.pull()
            self._seen = entry.tag

    def push(self) -> None:
        """Put what the home has and the store has not, the log of releases last, and remove what was removed here.

        Raises:
            Busy: Another machine has committed to a table meanwhile, or taken over the lease; what it did counts.
            ConfigurationError: As `pull`.
        """
        self._push([name for name in self._local() if not is_of_releases(name)], removing=True)
        self.push_releases()
        share_binding(self._paths, self.store)
        self.store.put(CHANGED, uuid4().bytes)

    def push_files(self) -> None:
        """Put everything but the log of releases, so that it is there when a release is committed; only under a lease.

        Raises:
            Busy: As `push`.
        """
        if self.lease is not None:
            self._push([name for name in self._local() if not is_of_releases(name)], removing=False)
            share_binding(self._paths, self.store)

    def push_releases(self) -> None:
        """Put the table of releases, whose last commit moves the pointer.

        Raises:
            Busy: As `push`.
        """
        if self._push([name for name in self._local() if name.startswith(RELEASES_TABLE)], removing=False):
            self.store.put(CHANGED, uuid4().bytes)

    def settle(self) -> None:
        """Share what an earlier try committed to the table of releases and could not share, or drop it for others'."""
        with suppress(Moved):
            self.push_releases()

    def push_in_turn(self) -> None:
        """Push, where this process has its turn.

        Raises:
            Busy: As `push`.
        """
        if self.lease is not None:
            self.push()

    def fence(self) -> None:
        """Commit nothing to the table of releases, so that a commit that was prepared before is refused."""
        folder = self._paths.lake / RELEASES.name
        if has_table(folder):
            commit_nothing(folder)
            self.push_releases()

    def _pull(self, folders: tuple[str, ...]) -> None:
        with self._both() as files:
            if files is None:
                return
            known, remote = files.known, self._remote(folders)
            missing = [
                name for name in sorted(remote, key=fetch_order) if not self._is_current(name, remote[name], known)
            ]
            missing = [name for name in missing if not self._is_alike(name, known)]
            if any(is_commit(name) and (self._root / name).is_file() for name in missing):
                # A server that lost a race drops its own commit alone: a night of this machine may be under way.
                whole = self.lease is not None or folders == self._folders
                self._drop_unsent(remote, known, "*" if whole else RELEASES.name)
            # What a fetch leaves that ends here must not be taken for what the home has of its own.
            known.update(dict.fromkeys(missing, FETCHING))
            files.keep()
            for name in missing:
                known[name] = self._synced(name, self.store.fetch(name, self._root / name))
            within = tuple(f"{folder}/" for folder in folders)
            gone = [name for name in known.keys() - remote.keys() if name.startswith(within)]
            for name in sorted(gone, key=fetch_order, reverse=True):
                (self._root / name).unlink(missing_ok=True)
                del known[name]
            take_binding(self._paths, self.store)

    def _push(self, names: list[str], *, removing: bool) -> bool:
        """Put files; return whether any was put."""
        if self.lease is not None:
            self.lease.require()
        with self._both() as files:
            if files is None:
                return False
            known = files.known
            changed = [name for name in names if not self._is_synced(name, known)]
            for name in sorted(changed, key=lambda name: put_order(name, self._root / name)):
                if self.lease is not None and self.lease.lost:
                    self.lease.require()
                if not self._put(name, known):
                    break
            else:
                if removing:
                    self._remove(known)
                return bool(changed)
        table = name.split("/")[1]
        # Of other tables nothing is fetched: what a turn of this machine removes must not come back.
        self._pull((f"lake/{table}",))
        raise Moved(f"another machine has changed table {table} in {self.store.address}", do="run the command again")

    def _remove(self, known: dict[str, Synced]) -> None:
        gone = sorted(
            (name for name in known if known[name] != FETCHING and not (self._root / name).exists()), key=fetch_order
        )
        if gone and self.lease is not None:
            self.lease.require()
        self.store.delete(gone)
        for name in gone:
            del known[name]

    def _put(self, name: str, known: dict[str, Synced]) -> bool:
        """Put a file; return False where its table has another commit of its number."""
        file = self._root / name
        if not is_commit(name):
            known[name] = self._synced(name, self.store.put(name, file))
            return True
        if is_of_releases(name) and self.lease is not None:
            self.lease.require()
        if not self.store.create(name, file.read_bytes()):
            return False
        entry = self.store.entry(name)
        known[name] = self._synced(name, entry.tag if entry else "")
        return True

    def _drop_unsent(self, remote: Mapping[str, Entry], known: Mapping[str, Synced], tables: str) -> None:
        """Remove the commits that were made here and never put there, with the files that they added."""
        for folder in self._paths.lake.glob(f"{tables}/{LOG}"):
            table = folder.parent
            unsent = [file for file in folder.glob("*.json") if self._name(file) not in known]
            if self._name(table).startswith(_OWN.rstrip("/")) or not unsent:
                continue
            for file in unsent:
                for added in added_files(table, file):
                    if self._name(added) not in remote:
                        added.unlink(missing_ok=True)
                file.unlink()
            first = min(file.name[:20] for file in unsent)
            for other in folder.glob("*.checkpoint*.parquet"):
                if other.name[:20] >= first:
                    other.unlink()
            (folder / HINT).unlink(missing_ok=True)

    def _remote(self, folders: tuple[str, ...]) -> dict[str, Entry]:
        # Of a release that comes while all else is listed, nothing is taken.
        log = self.store.entries(f"{RELEASES_TABLE}{LOG}")
        found = {name: entry for folder in folders for name, entry in self.store.entries(folder).items()}
        return {
            name: entry
            for name, entry in found.items()
            if not name.startswith(_OWN) and (name in log or not is_of_releases(name))
        }

    def _local(self) -> list[str]:
        files = (file for folder in self._folders for file in (self._root / folder).rglob("*") if file.is_file())
        names = [self._name(file) for file in files if file.suffix != _DRAFT]
        return [name for name in names if not name.startswith(_OWN)]

    def _name(self, file: Path) -> str:
        return str(file.relative_to(self._root))

    def _is_current(self, name: str, entry: Entry, known: Mapping[str, Synced]) -> bool:
        return name in known and known[name].tag == entry.tag and (self._root / name).is_file()

    def _is_alike(self, name: str, known: dict[str, Synced]) -> bool:
        """Return whether a commit here is the one there: put before this process knew that it was."""
        file = self._root / name
        if not is_commit(name) or not file.is_file() or known.get(name, FETCHING) != FETCHING:
            return False
        found = self.store.read(name)
        if found is None or found[0] != file.read_bytes():
            return False
        known[name] = self._synced(name, found[1])
        return True

    def _is_synced(self, name: str, known: Mapping[str, Synced]) -> bool:
        return name in known and known[name] in (FETCHING, self._synced(name, known[name].tag))

    def _synced(self, name: str, tag: str) -> Synced:
        about = (self._root / name).stat()
        return Synced(about.st_size, about.st_mtime_ns, tag)

    @contextmanager
    def _both(self) -> Iterator[SyncedFiles | None]:
        """Hold what both sides had in common; None while the store is nobody's. The first who has the lease takes it.

        Raises:
            ConfigurationError: The home is the copy of another store, or both hold data of their own.
        """
        with locked(self._paths.replica_lock), SyncedFiles.of(self._paths.replica) as files:
            found = self.store.read(ID)
            there = found[0].decode() if found else ""
            if files.store_id and files.store_id != there:
                do = "set NIGHTSCHOOL_LAKE to what it was, or take another --home"
                raise ConfigurationError(
                    f"home {self._root} is a copy of another store", seen=self.store.address, do=do
                )
            if there and not files.store_id and self._local() and self._remote(self._folders):
                do = "take an empty --home for this store, or an empty store for this home"
                raise ConfigurationError("both the home and the store hold data", seen=self.store.address, do=do)
            if not there and self.lease is not None:
                there = uuid4().hex
                if not self.store.create(ID, there.encode()):
                    raise Busy(f"another machine is the first in {self.store.address}", do="run the command again")
            files.store_id = there
            files.keep()
            yield files if there else None


@cache
def replica_at(root: Path, store: str) -> Replica:
    """Return the one replica of a home in this process."""
    return Replica(HomePaths(root, store), Store.at(store))


def replica_of(paths: HomePaths) -> Replica | None:
    """Return the replica that a home is; None where it is the only place of what it holds."""
    return replica_at(paths.root, paths.store) if paths.store else None
