"""The changes of items and users since the release, as a server keeps them in memory and lays them over it."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from threading import RLock
from typing import Final

import sqlalchemy as sa

from nightschool.columns import ITEMS, USERS
from nightschool.errors import Unreachable
from nightschool.storage.changes import ChangeStore, StoredChange
from nightschool.storage.tables import ITEM_CHANGES, USER_CHANGES
from serving.overlay import lay_over, next_end
from serving.snapshot import Snapshot

_MARGIN: Final = timedelta(days=1)
"""A night takes in what was said until it began: what is older than T by more is in the release, or overruled."""


class SentChanges:
    """What was said of items and users since a release.

    Attributes:
        stores: The changes in the database, by the table's name.
    """

    def __init__(self, engine: sa.Engine) -> None:
        self.stores: Mapping[str, ChangeStore] = {
            ITEMS.name: ChangeStore(engine, ITEM_CHANGES),
            USERS.name: ChangeStore(engine, USER_CHANGES),
        }
        self._lock = RLock()
        self._changes: dict[str, list[StoredChange]] = {name: [] for name in self.stores}
        self._read_to = dict.fromkeys(self.stores, 0)
        self._read_for: Snapshot | None = None
        self._laid: Snapshot | None = None
        self._laid_on: Snapshot | None = None
        self._end: datetime | None = None

    def over(self, base: Snapshot) -> Snapshot:
        """Return a release with what was said since; where the database does not answer, with what was read of it."""
        with self._lock:
            try:
                return self.refresh(base)
            except Unreachable:
                return self._lay(base)

    def refresh(self, base: Snapshot) -> Snapshot:
        """Read what was said since the last time, by any worker, and return the release with it.

        Raises:
            Unreachable: The database does not answer.
        """
        with self._lock:
            came = self._read(base)
            now = datetime.now(UTC)
            ended = self._end is not None and self._end <= now
            if self._laid is None or base is not self._laid_on or came or ended:
                return self._lay(base)
            return self._laid

    def _lay(self, base: Snapshot) -> Snapshot:
        now = datetime.now(UTC)
        self._laid, self._laid_on = lay_over(base, self._changes, now), base
        self._end = next_end(self._laid, now)
        return self._laid

    def _read(self, base: Snapshot) -> bool:
        """Read what is new, or all that a release asked for the first time may lack; return whether anything came."""
        whole = base is not self._read_for
        came = False
        for name, store in self.stores.items():
            newest = store.newest()
            if whole:
                self._changes[name] = store.since(base.release.as_of - _MARGIN)
            elif newest > self._read_to[name]:
                self._changes[name] += store.after(self._read_to[name])
            else:
                continue
            last = self._changes[name][-1].sequence if self._changes[name] else 0
            came, self._read_to[name] = True, max(newest, last)
        self._read_for = base
        return came
