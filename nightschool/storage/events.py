"""What people did with items, on the disk before it is acknowledged and in the order of commits."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import sqlalchemy as sa

from nightschool.columns import EVENT, EVENT_ID, ITEM_ID, USER_ID
from nightschool.errors import Conflict, DataRefused, NotFound
from nightschool.ids import is_storable
from nightschool.storage.database import reading, write_one_by_one, writing
from nightschool.storage.erasing import erase
from nightschool.storage.places import next_place
from nightschool.storage.tables import EVENTS, REACTS, UNDONE


class Sent(NamedTuple):
    """An event as somebody sent it.

    Attributes:
        at: When it happened, by the sender's clock; None: when it is taken in.
        sent_by: The name of the key; empty without one.
        corrected: When it happened by our clock, where that is another time.
        context: The declared contexts in which it happened, by name; None without any.
        list_id: The list on which it happened; None where nobody says so.
    """

    event_id: str
    user_id: str
    item_id: str
    event: str
    at: datetime | None
    sent_by: str = ""
    corrected: datetime | None = None
    context: Mapping[str, str] | None = None
    list_id: str | None = None


class Stored(NamedTuple):
    """An event as it is kept; a greater sequence was committed later.

    Attributes:
        at: When it happened, by our clock.
        told_at: What the sender's clock said, where that is another time.
        context: The declared contexts in which it happened, by name; None without any.
        list_id: The list on which it happened; None where nobody says so.
    """

    sequence: int
    event_id: str
    user_id: str
    item_id: str
    event: str
    at: datetime
    told_at: datetime | None = None
    context: Mapping[str, str] | None = None
    list_id: str | None = None


_COLUMNS: Final = tuple(EVENTS.c[name] for name in Stored._fields)
_Condition = sa.ColumnElement[bool] | sa.TextClause


class Reactions(NamedTuple):
    """What a user did that can change a list, in the order in which it was taken in.

    Attributes:
        standing: What still counts.
        taken_back: What the user took back.
    """

    standing: Sequence[Stored]
    taken_back: Sequence[Stored]


Appended = list[tuple[Stored, bool]]
"""Events as they are stored, each with whether it was stored before."""


class EventStore:
    """The events of one installation."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def append(self, events: Sequence[Sent]) -> Appended:
        """Store events, all of them or none; return each as stored, and whether it was stored before.

        They are on the disk. An event that is sent again under its id counts once.

        Raises:
            Conflict: An event_id belongs to another event.
            DataRefused: A text holds what no database keeps.
            Unreachable: The database does not answer.
        """
        require_texts(events)
        (stored,) = self.append_each([events])
        if isinstance(stored, Conflict):
            raise stored
        return stored

    def append_each(self, groups: Sequence[Sequence[Sent]]) -> list[Appended | Conflict]:
        """Store groups of events in one transaction, each group whole or not at all; return what `append` says of each.

        Args:
            groups: Events whose texts can be kept.

        Raises:
            Unreachable: The database does not answer.
        """
        with writing(self._engine) as connection:
            write_one_by_one(connection)
            known = _stored(connection, [event for group in groups for event in group])
            fresh: dict[str, Sent] = {}
            conflicts = []
            for group in groups:
                new = _fresh(group, {**known, **fresh})
                conflicts.append(_conflict(group, {**known, **fresh, **new}))
                if conflicts[-1] is None:
                    fresh |= new
            known |= _insert(connection, [*fresh.values()])
        return [
            conflict or [(known[event.event_id], fresh.pop(event.event_id, None) is None) for event in group]
            for group, conflict in zip(groups, conflicts, strict=True)
        ]

    def of_user(self, user_id: str) -> list[Stored]:
        """Read a user's events in the order of their sequence."""
        return self._of_user(user_id, sa.true(), EVENTS.c.sequence)

    def reactions_of(self, user_id: str) -> Reactions:
        """Read a user's events that can change a list."""
        undone = sa.select(UNDONE.c.event_id).where(UNDONE.c.event_id == EVENTS.c.event_id).exists().label("undone")
        events = [(_as_kept(row), row.undone) for row in self._rows_of(user_id, REACTS, EVENTS.c.sequence, undone)]
        return Reactions(*([event for event, taken in events if bool(taken) is back] for back in (False, True)))

    def newest_of(self, user_id: str, n: int) -> list[Stored]:
        """Read a user's n newest events, the newest first."""
        return self._of_user(user_id, sa.true(), EVENTS.c.sequence.desc(), n)

    def undone_of(self, user_id: str) -> set[str]:
        """Read the event ids of what a user took back."""
        if not is_storable(user_id):
            return set()
        with reading(self._engine) as connection:
            return set(connection.execute(sa.select(UNDONE.c.event_id).where(UNDONE.c.user_id == user_id)).scalars())

    def undo(self, event_id: str, user_id: str | None, sent_by: str = "") -> tuple[Stored, int]:
        """Undo an event; return it with the sequence of its undoing, the same when it was undone before.

        Args:
            event_id: Of the event.
            user_id: Whose it must be; None: anybody's.
            sent_by: The name of the key.

        Raises:
            NotFound: There is no such event, or it is another user's.
            Unreachable: The database does not answer.
        """
        query = sa.select(*_COLUMNS).where(EVENTS.c.event_id == event_id)
        with writing(self._engine) as connection:
            write_one_by_one(connection)
            row = connection.execute(query).first() if is_storable(event_id) else None
            if row is None or user_id not in (None, row.user_id):
                raise NotFound("no such event", seen=event_id[:100], do="give the event_id of the answer")
            known = sa.select(UNDONE.c.sequence).where(UNDONE.c.event_id == event_id)
            sequence = connection.execute(known).scalar()
            if sequence is None:
                undone = {"event_id": event_id, "user_id": row.user_id, "at": datetime.now(UTC), "sent_by": sent_by}
                insert = sa.insert(UNDONE).values({**undone, "place": next_place(connection)})
                sequence = connection.execute(insert.returning(UNDONE.c.sequence)).scalar_one()
        return Stored(*row), sequence

    def newest(self) -> int:
        """Return the greatest sequence of an event; 0 without events."""
        return self._number(sa.select(sa.func.max(EVENTS.c.sequence)))

    def newest_undone(self) -> int:
        """Return the greatest sequence of an undoing; 0 without any."""
        return self._number(sa.select(sa.func.max(UNDONE.c.sequence)))

    def reacted_since(self, sequence: int) -> Iterator[tuple[str, int]]:
        """Read the users with events since a sequence that can change their list, with its sequence; users may repeat.

        From sequence 0, users who only viewed items are included: one index then answers the query.
        """
        if sequence == 0:
            newest = sa.select(EVENTS.c.user_id, sa.func.max(EVENTS.c.sequence))
            yield from self._pairs(newest.group_by(EVENTS.c.user_id))
        else:
            # Grouping would make SQLite read the whole index of users.
            since = sa.select(EVENTS.c.user_id, EVENTS.c.sequence).where(EVENTS.c.sequence > sequence, REACTS)
            yield from self._pairs(since)

    def reacted_to(self, item_id: str, user_ids: Sequence[str]) -> set[str]:
        """Return those of the users, at most some thousands, who have an event of an item that can change a list.

        Events that were undone do not count.
        """
        undone = sa.select(UNDONE.c.event_id).where(UNDONE.c.event_id == EVENTS.c.event_id).exists()
        theirs = sa.select(EVENTS.c.user_id).where(EVENTS.c.user_id.in_(user_ids), REACTS)
        with reading(self._engine) as connection:
            query = theirs.where(EVENTS.c.item_id == item_id, ~undone).distinct()
            return set(connection.execute(query).scalars())

    def undone_since(self, sequence: int) -> Iterator[tuple[str, int]]:
        """Read the users who took an event back since a sequence, with the sequence of each undoing."""
        yield from self._pairs(sa.select(UNDONE.c.user_id, UNDONE.c.sequence).where(UNDONE.c.sequence > sequence))

    def forget(self, user_id: str) -> int:
        """Delete a user's events for good; return how many there were."""
        if not is_storable(user_id):
            return 0
        erase(self._engine, UNDONE, UNDONE.c.user_id == user_id)
        return erase(self._engine, EVENTS, EVENTS.c.user_id == user_id)

    def _of_user(self, user_id: str, which: _Condition, order: Any, n: int | None = None) -> list[Stored]:
        return [_as_kept(row) for row in self._rows_of(user_id, which, order, n=n)]

    def _rows_of(
        self, user_id: str, which: _Condition, order: Any, *more: sa.ColumnElement[Any], n: int | None = None
    ) -> Sequence[sa.Row[Any]]:
        if not is_storable(user_id):
            return []
        columns = (*_COLUMNS, EVENTS.c.received_at, *more)
        query = sa.select(*columns).where(EVENTS.c.user_id == user_id, which).order_by(order).limit(n)
        with reading(self._engine) as connection:
            return connection.execute(query).all()

    def _pairs(self, query: sa.Select[Any]) -> Iterator[tuple[str, int]]:
        with reading(self._engine) as connection:
            rows = connection.execution_options(yield_per=10_000).execute(query)
            yield from rows.tuples()

    def _number(self, query: sa.Select[Any]) -> int:
        with reading(self._engine) as connection:
            return int(connection.execute(query).scalar() or 0)


def _as_kept(row: sa.Row[Any]) -> Stored:
    # Before times ahead of the receipt were corrected, they were stored as they were sent.
    return Stored._make(row[: len(_COLUMNS)])._replace(at=min(row.at, row.received_at))


def _stored(connection: sa.Connection, events: Sequence[Sent]) -> dict[str, Stored]:
    """Read what is stored under the ids of the events."""
    query = sa.select(*_COLUMNS).where(EVENTS.c.event_id.in_([event.event_id for event in events]))
    return {stored.event_id: stored for stored in (Stored(*row) for row in connection.execute(query))}


def _fresh(events: Sequence[Sent], known: Mapping[str, Sent | Stored]) -> dict[str, Sent]:
    """Keep the events that are not stored yet, by id; the first of those with one id."""
    fresh: dict[str, Sent] = {}
    for event in events:
        if event.event_id not in known:
            fresh.setdefault(event.event_id, event)
    return fresh


def _insert(connection: sa.Connection, events: Sequence[Sent]) -> dict[str, Stored]:
    """Insert events in one statement, with sequences in their order; return what is stored, by id."""
    if not events:
        return {}
    now = datetime.now(UTC)
    rows = [_row(event, now) for event in events]
    statement = sa.insert(EVENTS).returning(*_COLUMNS)
    return {stored.event_id: stored for stored in (Stored(*row) for row in connection.execute(statement, rows))}


def _row(event: Sent, now: datetime) -> dict[str, Any]:
    row = event._asdict()
    corrected = row.pop("corrected")
    times = {"at": corrected or event.at or now, "told_at": event.at if corrected else None}
    return {**row, **times, "received_at": now}


def require_texts(events: Sequence[Sent]) -> None:
    """Raise DataRefused unless a database can keep the texts of all events."""
    for event in events:
        texts = {name: getattr(event, name) for name in (EVENT_ID, USER_ID, ITEM_ID, EVENT)}
        for name, text in {**texts, **(event.context or {})}.items():
            if not is_storable(text):
                do = "leave out zero bytes and halves of surrogate pairs"
                raise DataRefused(f"an event's {name} is no text that can be kept", do=do)


def _conflict(events: Sequence[Sent], kept: Mapping[str, Sent | Stored]) -> Conflict | None:
    """Return why one of the events cannot be stored: its id stands for another one."""
    for event in events:
        other = kept[event.event_id]
        # A client that leaves the time to us does not know it when it sends the event again.
        untimed = event.at is None or other.at is None
        told_at = (isinstance(other, Stored) and other.told_at) or other.at
        content, kept_at = (other.user_id, other.item_id, other.event), event.at if untimed else told_at
        others = (kept_at, other.context, other.list_id)
        if (event[1:4], event.at, event.context, event.list_id) != (content, *others):
            do = "give each event an id of its own"
            return Conflict("an event_id belongs to another event already", seen=event.event_id, do=do)
    return None
