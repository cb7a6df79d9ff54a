"""Users' events since the release: stored before they are acknowledged, and visible to every worker at once."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import uuid4

from nightschool.errors import ConfigurationError, NotFound
from nightschool.storage.event_groups import GroupCommit
from nightschool.storage.events import EventStore, Reactions, Sent, Stored
from serving.schemas.events import Event, EventsTaken, Taken
from serving.shared import Shared
from serving.shown_lists import require_list_of
from serving.snapshot import Snapshot

SLACK: Final = timedelta(seconds=5)
"""The longest transfer of a request; a sender's clock that is off by no more is not corrected."""

EARLIEST: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""No event is older: clocks that were never set show this instant or an earlier one."""

_LATEST: Final = datetime(9999, 12, 31, tzinfo=UTC)
_CORRECT: Final = "correct the clock of its sender"

Mark = tuple[int, int]
NOTHING: Final = (0, 0)
"""The mark of a user without events that can change a list."""


class Feedback:
    """All users' events: one mark a user in memory, the events themselves in the database."""

    def __init__(self, store: EventStore, shared: Shared | None = None) -> None:
        self._store = store
        self._append = GroupCommit(store).append
        self._shared = shared or Shared()
        self._read_to: Mark | None = None

    @property
    def known(self) -> bool:
        """Return whether the events sent before this process began have been read."""
        return self._read_to is not None

    def refresh(self) -> None:
        """Read the marks of events that other processes stored.

        Raises:
            Unreachable: The database does not answer.
        """
        before = self._read_to or NOTHING
        newest = self._store.newest(), self._store.newest_undone()
        if newest[0] > before[0]:
            self._shared.note_events(self._store.reacted_since(before[0]))
        if newest[1] > before[1]:
            self._shared.note_undone(self._store.undone_since(before[1]))
        self._read_to = newest

    def mark(self, user_id: object) -> Mark:
        """Return the version of a user's events; zeros for a user without events that can change a list.

        Raises:
            Unreachable: The events sent before this process began could not be read yet.
        """
        if not self.known:
            self.refresh()
        return self._shared.mark(str(user_id))

    def reactions(self, user_id: object) -> Reactions:
        """Read a user's events that can change their list, and those that they undid."""
        if self.mark(user_id) == NOTHING:
            return Reactions((), ())
        return self._store.reactions_of(str(user_id))

    def newest(self, user_id: object, n: int) -> list[Stored]:
        """Read a user's newest events that were not undone, newest first."""
        undone = self._store.undone_of(str(user_id))
        return [event for event in self._store.newest_of(str(user_id), n) if event.event_id not in undone]

    def reacted(self, item_id: object, user_ids: Iterable[object]) -> set[str]:
        """Return those of the users, as text, who have an event of an item that was not undone, views aside.

        Raises:
            Unreachable: The database does not answer.
        """
        return self._store.reacted_to(str(item_id), [str(user_id) for user_id in user_ids])

    def take(self, events: Sequence[Event], snapshot: Snapshot, now: datetime, sent_by: str = "") -> EventsTaken:
        """Store events; return their ids and sequence numbers once they are on the disk.

        Raises:
            NotFound: An item is not in the release, or an id can be none; nothing was written.
            ConfigurationError: A time has no zone or is before 1970, or a context is not declared; nothing was written.
            Conflict: An id names another event; nothing was written.
        """
        stored = self._append([_sent(event, snapshot, now, sent_by) for event in events])
        self._shared.note_events((event.user_id, event.sequence) for event, _ in stored if event.event != "view")
        taken = [Taken(event_id=one.event_id, sequence=one.sequence, repeated=again) for one, again in stored]
        return EventsTaken(events=taken, warnings=snapshot.contexts.unlearned(event.context for event in events))

    def undo(self, event_id: str, user_id: str | None, sent_by: str = "") -> Stored:
        """Undo an event; return it once that is on the disk.

        Raises:
            NotFound: There is no such event, or it is another user's.
        """
        event, sequence = self._store.undo(event_id, user_id, sent_by)
        self._shared.note_undone([(event.user_id, sequence)])
        return event


def _sent(event: Event, snapshot: Snapshot, now: datetime, sent_by: str) -> Sent:
    user_id, item_id = snapshot.require_user_id(event.user_id), snapshot.item_id(event.item_id)
    if item_id is None or snapshot.catalogue.position(item_id) is None:
        raise NotFound("no such item", seen=str(event.item_id)[:100], do="give an id that the catalogue holds")
    snapshot.contexts.require_declared(event.context)
    at = None if event.at is None else by_our_clock(event.at, event.sent_at, now)
    corrected, event_id = None if at == event.at else at, event.event_id or uuid4().hex
    if event.list_id is not None:
        require_list_of(event.list_id, user_id, snapshot)
    what = (str(user_id), str(item_id), event.event)
    return Sent(event_id, *what, event.at, sent_by, corrected, event.context or None, event.list_id)


def by_our_clock(at: datetime, sent_at: datetime | None, now: datetime) -> datetime:
    """Correct the time of an event or impression by the sender's clock; none happened after it was received.

    Args:
        at: When it happened, by the sender's clock.
        sent_at: What that clock said while it sent; None: it is right.
        now: When it was received.

    Raises:
        ConfigurationError: A time has no zone or is out of range.
    """
    for time in (at, sent_at):
        if time is not None and time.tzinfo is None:
            do = "write it with its zone, as in 2026-01-31T18:00:00Z"
            raise ConfigurationError("the time of an event has no zone", seen=time.isoformat(), do=do)
    if at > _LATEST:
        raise ConfigurationError("the time of an event is out of range", seen=at.isoformat(), do=_CORRECT)
    is_off = sent_at is not None and abs(sent_at - now) > SLACK
    before = max(timedelta(0), (sent_at if sent_at is not None and is_off else now) - at)
    if before > now - EARLIEST:
        raise ConfigurationError("the time of an event is before 1970", seen=at.isoformat(), do=_CORRECT)
    return now - before if is_off or not before else at
