"""What a user was shown in vain of late, and what all of it has taught of fatigue."""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

import orjson
import sqlalchemy as sa

from nightschool.columns import ITEM_ID
from nightschool.ids import is_storable
from nightschool.shown.fatigue import Fatigue
from nightschool.shown.shown_frame import STANDS
from nightschool.storage.database import reading, write_one_by_one, writing
from nightschool.storage.tables import EVENTS, IMPRESSIONS, LEARNED, LISTS

_FATIGUE: Final = LEARNED.c.name == "fatigue"


class ShowingStore:
    """The showings of one installation."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def newest(self) -> int:
        """Return the greatest sequence of an impression; 0 without any."""
        with reading(self._engine) as connection:
            return int(connection.execute(sa.select(sa.func.max(IMPRESSIONS.c.sequence))).scalar() or 0)

    def seen_since(self, sequence: int) -> Iterator[tuple[str, int]]:
        """Read the users with impressions since a sequence, each with its sequence; users may repeat."""
        columns = IMPRESSIONS.c.user_id, IMPRESSIONS.c.sequence
        query = sa.select(*columns).where(IMPRESSIONS.c.sequence > sequence, IMPRESSIONS.c.user_id.is_not(None))
        with reading(self._engine) as connection:
            yield from connection.execution_options(yield_per=10_000).execute(query).tuples()

    def in_vain(self, user_id: str, since: datetime) -> Mapping[str, int]:
        """Count, by item, the lists that showed it to a user since a time, and after the last event of the two.

        A list that was seen again counts once.
        """
        if not is_storable(user_id):
            return {}
        columns = IMPRESSIONS.c.list_id, IMPRESSIONS.c.at, IMPRESSIONS.c.places, LISTS.c.first_place, LISTS.c["items"]
        seen = sa.select(*columns).join(LISTS, LISTS.c.list_id == IMPRESSIONS.c.list_id)
        seen = seen.where(IMPRESSIONS.c.user_id == user_id, IMPRESSIONS.c.at >= since).order_by(IMPRESSIONS.c.at)
        did = sa.select(EVENTS.c.item_id, sa.func.max(EVENTS.c.at, type_=EVENTS.c.at.type))
        did = did.where(EVENTS.c.user_id == user_id, EVENTS.c.at >= since, STANDS).group_by(EVENTS.c.item_id)
        with reading(self._engine) as connection:
            rows, last = connection.execute(seen).all(), dict(connection.execute(did).tuples().all())
        first = {
            (row.list_id, item): row.at for row in reversed(rows) for item in _items_seen(row)
        }  # of a list that was seen again, the first time stays
        return Counter(item for (_, item), at in first.items() if item not in last or at > last[item])

    def learned(self) -> Fatigue | None:
        """Return the fatigue that was learned last; None before any was."""
        with reading(self._engine) as connection:
            found = connection.execute(sa.select(LEARNED.c.value).where(_FATIGUE)).scalar()
        return None if found is None else Fatigue(tuple(found["factors"]), found["days"], tuple(found["shown"]))

    def keep(self, fatigue: Fatigue, at: datetime) -> None:
        """Store what was learned of fatigue, in place of what was learned before.

        Raises:
            Unreachable: The database does not answer.
        """
        with writing(self._engine) as connection:
            write_one_by_one(connection)
            connection.execute(sa.delete(LEARNED).where(_FATIGUE))
            row = {"name": "fatigue", "value": fatigue._asdict(), "learned_at": at}
            connection.execute(sa.insert(LEARNED).values(row))


def _items_seen(row: sa.Row[Any]) -> Iterator[str]:
    """Yield the items of an impression's places."""
    items = orjson.loads(row.items)[ITEM_ID]
    if row.places is None:
        yield from items
    else:
        places = (place - row.first_place for place in row.places)
        yield from (items[place] for place in places if 0 <= place < len(items))
