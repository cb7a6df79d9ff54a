"""A home as the copy of a store: what is written here is put there, and what other machines wrote is fetched.

Tables are Delta tables on both sides: their files never change, and a log of numbered commits says which files count.
A commit is created in the store only where there is none of its number, so that of two writers one is refused, and the
log of releases comes last: who reads the store, or a copy of it, sees whole releases.
"""

import fcntl
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

from nightschool.columns import ERASURES, NIGHTS, RELEASES
from nightschool.errors import Busy
from nightschool.settings import HomePaths
from nightschool.storage.delta_files import commit_nothing, has_table
from nightschool.storage.durable import atomic_write_text
from nightschool.storage.lease import Lease
from nightschool.storage.shared_binding import share_binding, take_binding
from nightschool.storage.store import Entry, Store

_LOG: Final = "_delta_log"
_HINT: Final = "_last_checkpoint"
_DRAFT: Final = ".tmp"
_OWN: Final = f"lake/{NIGHTS.name}/"
"""Which tries a machine made, and whether one still runs, is its own affair."""


class _Synced(NamedTuple):
    """A file as it was when both sides were alike.

    Attributes:
        size: Its bytes.
        changed: When it was changed here, in ns.
        tag: Of the object.
    """

    size: int
    changed: int
    tag: str


Known = dict[str, _Synced]


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
        self._seen: tuple[str, ...] | None = None

    def pull(self) -> None:
        """Fetch what the store has and the home has not: logs after files, and the log of releases at the very end.

        What was removed there is removed here. Commits that were made here and were not put there yet stay, unless
        others made theirs since: then those made here are dropped.
        """
        with self._known() as known:
            remote = self._remote()
            for name in sorted(remote, key=_place):
                if not self._is_current(name, remote[name], known):
                    self._take(name, remote, known)
            for name in sorted(known.keys() - remote.keys(), key=_place, reverse=True):
                (self._root / name).unlink(missing_ok=True)
                del known[name]
            take_binding(self._paths, self.store)

    def follow(self) -> None:
        """Fetch as `pull` does, where a release or an erasure was committed since this was called last.

        While the home changes it is the store that follows, and nothing is fetched.
        """
        logs = [f"lake/{table.name}/{_LOG}" for table in (RELEASES, ERASURES)]
        seen = tuple(name for log in logs for name in sorted(self.store.entries(log)))
        if seen == self._seen:
            return
        with suppress(BlockingIOError), locked(self._paths.replica_turn, waiting=False):
            self.pull()
            self._seen = seen

    def push(self) -> None:
        """Put what the home has and the store has not, the log of releases last, and remove what was removed here.

        Raises:
            Busy: Another machine has committed to a table meanwhile, or taken over the lease; what it did counts.
        """
        self._push([name for name in self._local() if not _is_of_releases(name)], removing=True)
        self.push_releases()
        share_binding(self._paths, self.store)

    def push_files(self) -> None:
        """Put everything but the log of releases, so that it is there when a release is committed; only under a lease.

        Raises:
            Busy: As `push`.
        """
        if self.lease is not None:
            self._push([name for name in self._local() if not _is_of_releases(name)], removing=False)
            share_binding(self._paths, self.store)

    def push_releases(self) -> None:
        """Put the table of releases, whose last commit moves the pointer.

        Raises:
            Busy: As `push`.
        """
        prefix = f"lake/{RELEASES.name}/"
        self._push([name for name in self._local() if name.startswith(prefix)], removing=False)

    def fence(self) -> None:
        """Commit nothing to the table of releases, so that a commit that was prepared before is refused."""
        folder = self._paths.lake / RELEASES.name
        if has_table(folder):
            commit_nothing(folder)
            self.push_releases()

    def _push(self, names: list[str], *, removing: bool) -> None:
        if self.lease is not None:
            self.lease.require()
        with self._known() as known:
            lost = ""
            for name in sorted(names, key=_place):
                if not self._is_synced(name, known):
                    lost = self._put(name, known)
                if lost:
                    break
            if removing and not lost:
                gone = [name for name in known if not (self._root / name).exists()]
                self.store.delete(sorted(gone, key=_place))
                for name in gone:
                    del known[name]
        if lost:
            self.pull()
            raise Busy(f"another machine has changed {lost} in {self.store.address}", do="run the command again")

    def _put(self, name: str, known: Known) -> str:
        """Put a file; return the name of its table where that has another commit of its number."""
        file = self._root / name
        if not _is_commit(name):
            known[name] = self._synced(name, self.store.put(name, file))
            return ""
        if not self.store.create(name, file.read_bytes()):
            return f"table {name.split('/')[1]}"
        entry = self.store.entry(name)
        known[name] = self._synced(name, entry.tag if entry else "")
        return ""

    def _take(self, name: str, remote: Mapping[str, Entry], known: Known) -> None:
        """Fetch a file; of a commit that was made here under its number nothing stays, nor of those after it."""
        file = self._root / name
        if _is_commit(name) and file.is_file() and name not in known:
            found = self.store.read(name)
            if found is not None and found[0] == file.read_bytes():
                known[name] = self._synced(name, found[1])
                return
            for other in file.parent.iterdir():
                own = str(other.relative_to(self._root))
                if own not in remote and other.name >= file.name:
                    other.unlink()
        known[name] = self._synced(name, self.store.fetch(name, file))

    def _remote(self) -> dict[str, Entry]:
        found = {name: entry for folder in self._folders for name, entry in self.store.entries(folder).items()}
        return {name: entry for name, entry in found.items() if not name.startswith(_OWN)}

    def _local(self) -> list[str]:
        files = (file for folder in self._folders for file in (self._root / folder).rglob("*") if file.is_file())
        names = [str(file.relative_to(self._root)) for file in files if file.suffix != _DRAFT]
        return [name for name in names if not name.startswith(_OWN)]

    def _is_current(self, name: str, entry: Entry, known: Known) -> bool:
        return name in known and known[name].tag == entry.tag and (self._root / name).is_file()

    def _is_synced(self, name: str, known: Known) -> bool:
        return name in known and known[name] == self._synced(name, known[name].tag)

    def _synced(self, name: str, tag: str) -> _Synced:
        about = (self._root / name).stat()
        return _Synced(about.st_size, about.st_mtime_ns, tag)

    @contextmanager
    def _known(self) -> Iterator[Known]:
        """Hold what is known of both sides; one process of the home at a time, and kept however the block ends."""
        with locked(self._paths.replica_lock):
            known: Known = {}
            with suppress(FileNotFoundError):
                stored = json.loads(self._paths.replica.read_bytes())
                known = {name: _Synced(*entry) for name, entry in stored.items()}
            before = dict(known)
            try:
                yield known
            finally:
                if known != before:
                    atomic_write_text(self._paths.replica, json.dumps(known))


@contextmanager
def locked(path: Path, *, waiting: bool = True) -> Iterator[None]:
    """Hold a lock file for the length of the block.

    Raises:
        BlockingIOError: Another process holds it, and nobody waits.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX if waiting else fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield


@cache
def replica_at(root: Path, store: str) -> Replica:
    """Return the one replica of a home in this process."""
    return Replica(HomePaths(root, store), Store.at(store))


def replica_of(paths: HomePaths) -> Replica | None:
    """Return the replica that a home is; None where it is the only place of what it holds."""
    return replica_at(paths.root, paths.store) if paths.store else None


def _is_commit(name: str) -> bool:
    parts = name.split("/")
    return len(parts) > 2 and parts[-2] == _LOG and parts[-1].endswith(".json")


def _is_of_releases(name: str) -> bool:
    return name.startswith(f"lake/{RELEASES.name}/{_LOG}/")


def _place(name: str) -> tuple[bool, bool, bool, str]:
    """Return what files are sorted by: those of tables, then logs, commits in their order; the releases' last."""
    parts = name.split("/")
    return _is_of_releases(name), len(parts) > 2 and parts[-2] == _LOG, parts[-1] == _HINT, name
