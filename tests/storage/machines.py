"""A machine with a copy of a store, as nights and servers use it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl

from nightschool.settings import HomePaths
from nightschool.storage.lake import Lake
from nightschool.storage.lease import Lease, leased
from nightschool.storage.releases import Releases
from nightschool.storage.replica import Replica
from nightschool.storage.store import Store
from tests.storage.test_releases import draft, write_tables


class Machine:
    """A machine with a copy of the store, which its nights and servers use."""

    def __init__(self, folder: Path, store: Store) -> None:
        self.paths = HomePaths(folder, store.address)
        self.replica = Replica(self.paths, store)
        self.lake = Lake(self.paths.lake, pl.Int64(), pl.Int64(), replica=self.replica)
        self.releases = Releases(self.lake)

    @contextmanager
    def turn(self) -> Iterator[Lease]:
        """What `home_turn` does, without the lock of the machine."""
        with leased(self.replica.store) as lease:
            self.replica.lease = lease
            try:
                self.replica.pull()
                if lease.taken_over:
                    self.replica.fence()
                yield lease
                self.replica.push()
            finally:
                self.replica.lease = None

    def publish(self, release_id: str, base: int | None) -> None:
        """What a night does at its end."""
        write_tables(self.releases, release_id)
        folder = self.paths.serving / release_id
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "lists.arrow").write_text(f"lists of {release_id}")
        self.releases.publish(draft(release_id), base)

    def night(self, release_id: str) -> None:
        with self.turn():
            self.publish(release_id, self.releases.version())

    def current(self) -> str | None:
        """The release that a server of this machine serves, if it is whole."""
        self.replica.follow()
        release = self.releases.current()
        if release is None:
            return None
        self.releases.require_whole(release)
        assert (self.paths.serving / release.release_id / "lists.arrow").read_text() == f"lists of {release.release_id}"
        return release.release_id
