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
from serving.overlay import Changes, Overlay
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
        self._overlay: Overlay | None = None
        self._end: datetime | None = None

    def over(self, base: Snapshot) -> Snapshot:
        """Return a release with what was said since; where the database does not answer, with what was read of it."""
        with self._lock:
            try:
                return self.refresh(base)
            except Unreachable:
                return self._lay(base, {})

    def refresh(self, base: Snapshot) -> Snapshot:
        """Read what was said since the last time, by any worker, and return the release with it.

        Raises:
            Unreachable: The database does not answer.
        """
        with self._lock:
            whole = base is not self._read_for
            came = self._read(base, whole=whole)
            if whole:
                self._overlay = None
            return self._lay(base, came)

    def _lay(self, base: Snapshot, came: Changes) -> Snapshot:
        """Return a release with what came laid over it; with all that is known where it is another release."""
        now = datetime.now(UTC)
        if self._overlay is None or self._overlay.base is not base:
            self._overlay, came = Overlay(base), self._changes
        elif not any(came.values()) and (self._end is None or self._end > now):
            return self._overlay.shown
        self._overlay.add(came, now)
        self._end = self._overlay.next_end(now)
        return self._overlay.shown

    def _read(self, base: Snapshot, *, whole: bool) -> dict[str, list[StoredChange]]:
        """Read what is new, or all that a release may lack; return what came."""
        came: dict[str, list[StoredChange]] = {}
        for name, store in self.stores.items():
            newest = store.newest()
            if whole:
                came[name] = self._changes[name] = store.since(base.release.as_of - _MARGIN)
            elif newest > self._read_to[name]:
                came[name] = store.after(self._read_to[name])
                self._changes[name] = [*self._changes[name], *came[name]]
            else:
                continue
            last = came[name][-1].sequence if came[name] else 0
            self._read_to[name] = max(newest, last, self._read_to[name] if not whole else 0)
        self._read_for = base
        return came
