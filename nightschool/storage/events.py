"""What people did with items, on the disk before it is acknowledged and in the order of commits."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import sqlalchemy as sa

from nightschool.columns import EVENT, EVENT_ID, ITEM_ID, USER_ID
from nightschool.errors import Conflict, DataRefused
from nightschool.storage.database import EVENTS, can_hold, erase, reading, write_one_by_one, writing

_COLUMNS: Final = (
    EVENTS.c.sequence,
    EVENTS.c.event_id,
    EVENTS.c.user_id,
    EVENTS.c.item_id,
    EVENTS.c.event,
    EVENTS.c.at,
)


class Sent(NamedTuple):
    """An event as somebody sent it.

    Attributes:
        at: When it happened; None: when it is taken in.
    """

    event_id: str
    user_id: str
    item_id: str
    event: str
    at: datetime | None


class Stored(NamedTuple):
    """An event as it is kept; a greater sequence was committed later."""

    sequence: int
    event_id: str
    user_id: str
    item_id: str
    event: str
    at: datetime


class EventStore:
    """The events of one installation."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def append(self, events: Sequence[Sent]) -> list[tuple[Stored, bool]]:
        """The events as they are kept, each with whether it was there before; all of them or none.

        They are on the disk. An event that is sent again under its id counts once.

        Raises:
            Conflict: An event_id stands for another event.
            DataRefused: A text holds what no database keeps.
            Unreachable: The database does not answer.
        """
        _require_texts(events)
        with writing(self._engine) as connection:
            write_one_by_one(connection)
            known = _stored(connection, events)
            fresh = _fresh(events, known)
            _require_same(events, {**known, **fresh})
            known |= _insert(connection, [*fresh.values()])
        return [(known[event.event_id], fresh.pop(event.event_id, None) is None) for event in events]

    def of_user(self, user_id: str) -> list[Stored]:
        """A user's events in the order in which they were taken in."""
        if not can_hold(user_id):
            return []
        query = sa.select(*_COLUMNS).where(EVENTS.c.user_id == user_id).order_by(EVENTS.c.sequence)
        with reading(self._engine) as connection:
            return [Stored(*row) for row in connection.execute(query)]

    def newest(self) -> int:
        """The greatest sequence, 0 without events."""
        return self._number(sa.select(sa.func.max(EVENTS.c.sequence)))

    def count_up_to(self, sequence: int) -> int:
        """How many events there are up to a sequence."""
        return self._number(sa.select(sa.func.count()).where(EVENTS.c.sequence <= sequence))

    def users_since(self, sequence: int) -> dict[str, int]:
        """The users with events after a sequence, each with their newest."""
        # Grouping by user makes SQLite read the whole index of users.
        query = sa.select(EVENTS.c.user_id, EVENTS.c.sequence).where(EVENTS.c.sequence > sequence)
        with reading(self._engine) as connection:
            return dict(connection.execute(query.order_by(EVENTS.c.sequence)).tuples().all())

    def forget(self, user_id: str) -> int:
        """How many events of a user were removed, for good."""
        return erase(self._engine, sa.delete(EVENTS).where(EVENTS.c.user_id == user_id)) if can_hold(user_id) else 0

    def _number(self, query: sa.Select[Any]) -> int:
        with reading(self._engine) as connection:
            return int(connection.execute(query).scalar() or 0)


def _stored(connection: sa.Connection, events: Sequence[Sent]) -> dict[str, Stored]:
    """What is kept under the ids of the events."""
    query = sa.select(*_COLUMNS).where(EVENTS.c.event_id.in_([event.event_id for event in events]))
    return {stored.event_id: stored for stored in (Stored(*row) for row in connection.execute(query))}


def _fresh(events: Sequence[Sent], known: Mapping[str, Stored]) -> dict[str, Sent]:
    """The events that are not known, by id; the first where one is sent twice at once."""
    fresh: dict[str, Sent] = {}
    for event in events:
        if event.event_id not in known:
            fresh.setdefault(event.event_id, event)
    return fresh


def _insert(connection: sa.Connection, events: Sequence[Sent]) -> dict[str, Stored]:
    """The events as they are kept now, by id; in one statement, their sequences in the order given."""
    if not events:
        return {}
    now = datetime.now(UTC)
    rows = [{**event._asdict(), "at": event.at or now, "received_at": now} for event in events]
    statement = sa.insert(EVENTS).returning(*_COLUMNS)
    return {stored.event_id: stored for stored in (Stored(*row) for row in connection.execute(statement, rows))}


def _require_texts(events: Sequence[Sent]) -> None:
    for event in events:
        for name in (EVENT_ID, USER_ID, ITEM_ID, EVENT):
            if not can_hold(getattr(event, name)):
                do = "leave out zero bytes and halves of surrogate pairs"
                raise DataRefused(f"an event's {name} is no text that can be kept", do=do)


def _require_same(events: Sequence[Sent], kept: Mapping[str, Sent | Stored]) -> None:
    for event in events:
        other = kept[event.event_id]
        # A client that leaves the time to us does not know it when it sends the event again.
        untimed = event.at is None or other.at is None
        if (event[1:4], event.at) != (other[-4:-1], event.at if untimed else other.at):
            do = "give each event an id of its own"
            raise Conflict("an event_id stands for another event already", seen=event.event_id, do=do)
