"""When lists were seen, on the disk before it is acknowledged."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

import sqlalchemy as sa

from nightschool.errors import Conflict, DataRefused
from nightschool.ids import is_storable
from nightschool.storage.database import write_one_by_one, writing
from nightschool.storage.erasing import erase
from nightschool.storage.tables import IMPRESSIONS


class Impression(NamedTuple):
    """A list that was seen.

    Attributes:
        user_id: Who saw it; None for a session.
        at: When, by our clock; None: when it is taken in.
        places: The ranks that were seen; None: all of the list.
        sent_by: The name of the key; empty without one.
    """

    impression_id: str
    list_id: str
    user_id: str | None
    at: datetime | None = None
    places: Sequence[int] | None = None
    sent_by: str = ""


class ImpressionStore:
    """The impressions of one installation."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def append(self, impressions: Sequence[Impression]) -> list[tuple[int, bool]]:
        """Store impressions, all of them or none; return the sequence of each, and whether it was stored before.

        They are on the disk. One that is sent again under its id counts once.

        Raises:
            Conflict: An impression_id belongs to another impression.
            DataRefused: A text holds what no database keeps.
            Unreachable: The database does not answer.
        """
        _require_texts(impressions)
        with writing(self._engine) as connection:
            write_one_by_one(connection)
            known = _stored(connection, impressions)
            fresh: dict[str, Impression] = {}
            for each in impressions:
                if each.impression_id not in known:
                    fresh.setdefault(each.impression_id, each)
            _require_same(impressions, {**{name: one for name, (one, _) in known.items()}, **fresh})
            sequences = {name: sequence for name, (_, sequence) in known.items()} | _insert(connection, fresh)
        return [(sequences[each.impression_id], fresh.pop(each.impression_id, None) is None) for each in impressions]

    def forget(self, user_id: str) -> int:
        """Delete a user's impressions for good; return how many there were."""
        return erase(self._engine, IMPRESSIONS, IMPRESSIONS.c.user_id == user_id) if is_storable(user_id) else 0


def _stored(connection: sa.Connection, impressions: Sequence[Impression]) -> dict[str, tuple[Impression, int]]:
    """Read what is stored under the ids of the impressions, with sequences."""
    names = ("impression_id", "list_id", "user_id", "at", "places", "sent_by", "sequence")
    query = sa.select(*(IMPRESSIONS.c[name] for name in names))
    rows = connection.execute(query.where(IMPRESSIONS.c.impression_id.in_([one.impression_id for one in impressions])))
    return {row.impression_id: (Impression(*row[:-1]), row.sequence) for row in rows}


def _insert(connection: sa.Connection, fresh: Mapping[str, Impression]) -> dict[str, int]:
    """Insert impressions in one statement; return their sequences by id."""
    if not fresh:
        return {}
    now = datetime.now(UTC)
    rows = [{**one._asdict(), "at": one.at or now, "received_at": now} for one in fresh.values()]
    statement = sa.insert(IMPRESSIONS).returning(IMPRESSIONS.c.impression_id, IMPRESSIONS.c.sequence)
    return dict(connection.execute(statement, rows).tuples().all())


def _require_texts(impressions: Sequence[Impression]) -> None:
    for each in impressions:
        for name in ("impression_id", "list_id", "user_id"):
            if not is_storable(getattr(each, name) or ""):
                do = "leave out zero bytes and halves of surrogate pairs"
                raise DataRefused(f"an impression's {name} is no text that can be kept", do=do)


def _require_same(impressions: Sequence[Impression], kept: Mapping[str, Impression]) -> None:
    for each in impressions:
        other = kept[each.impression_id]
        if (each.list_id, each.user_id, each.places) != (other.list_id, other.user_id, other.places):
            do = "give each impression an id of its own"
            raise Conflict("an impression_id belongs to another impression already", seen=each.impression_id, do=do)
