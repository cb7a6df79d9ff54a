"""What users did since the release: written down before it is answered, and known to every process within moments."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import uuid4

from nightschool.errors import ConfigurationError, NotFound
from nightschool.storage.events import EventStore, Sent, Stored
from serving.schemas import Event, EventsTaken, Taken
from serving.snapshot import Snapshot

AHEAD: Final = timedelta(minutes=5)
"""How far ahead of ours a sender's clock may be."""

EARLIEST: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""Clocks that were never set tell it, or less; the first years of the calendar cannot even be moved to UTC."""


class Feedback:
    """Everybody's events. Of each user only the newest one's number is in memory; the rest is read when asked for."""

    def __init__(self, store: EventStore) -> None:
        self._store = store
        self._newest: dict[str, int] = {}
        self._read_to = 0

    def refresh(self) -> None:
        """Learns of the events that other processes took in."""
        newest = self._store.newest()
        if newest > self._read_to:
            self._newest |= self._store.users_since(self._read_to)
            self._read_to = newest

    def version(self, user_id: object) -> int:
        """The number of a user's newest event; 0 for a user without any."""
        return self._newest.get(str(user_id), 0)

    def of(self, user_id: object) -> Sequence[Stored]:
        """A user's events, oldest first."""
        return self._store.of_user(str(user_id)) if self.version(user_id) else ()

    def take(self, events: Sequence[Event], snapshot: Snapshot, now: datetime) -> EventsTaken:
        """What became of the events, once they are on the disk.

        Raises:
            NotFound: An item is not in the release, or an id can be none; nothing was written.
            ConfigurationError: A time has no zone, lies ahead or before 1970; nothing was written.
            Conflict: An id names another event; nothing was written.
        """
        stored = self._store.append([_sent(event, snapshot, now) for event in events])
        for event, _ in stored:
            self._newest[event.user_id] = max(event.sequence, self._newest.get(event.user_id, 0))
        taken = [Taken(event_id=one.event_id, sequence=one.sequence, repeated=again) for one, again in stored]
        return EventsTaken(events=taken)


def _sent(event: Event, snapshot: Snapshot, now: datetime) -> Sent:
    user_id, item_id = snapshot.user_id(event.user_id), snapshot.item_id(event.item_id)
    if user_id is None:
        raise NotFound("no such user", seen=str(event.user_id)[:100], do="ids are whole numbers here")
    if item_id is None or snapshot.catalogue.position(item_id) is None:
        raise NotFound("no such item", seen=str(event.item_id)[:100], do="give an id that the catalogue holds")
    if event.at is not None and event.at.tzinfo is None:
        do = "write it with its zone, as in 2026-01-31T18:00:00Z"
        raise ConfigurationError("a time without its zone", seen=event.at.isoformat(), do=do)
    if event.at is not None and event.at < EARLIEST:
        raise ConfigurationError(
            "an event before 1970", seen=event.at.isoformat(), do="correct the clock of its sender"
        )
    if event.at is not None and event.at > now + AHEAD:
        raise ConfigurationError(
            "an event in the future", seen=event.at.isoformat(), do="correct the clock of its sender"
        )
    return Sent(event.event_id or uuid4().hex, str(user_id), str(item_id), event.event, event.at)
