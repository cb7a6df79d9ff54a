"""The lists that left the service, kept so that impressions and events can be joined to them."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from nightschool.ids import is_storable
from nightschool.storage.database import reading, writing_unsynced
from nightschool.storage.erasing import erase
from nightschool.storage.tables import LISTS

_AT_ONCE: Final = 500
"""Rows of one transaction: whoever writes events meanwhile waits for milliseconds."""


class ListRow(NamedTuple):
    """A list that left the service.

    Attributes:
        user_id: Whose it is; None for a session.
        scenario: The placement; empty without one.
        arms: JSON object, experiment to arm, its keys in order.
        tuned: Whether the request changed the list by hand, so that no analysis counts it.
        first_place: The rank of its first item.
        items: JSON array of item_id, propensity and source.
    """

    list_id: str
    user_id: str | None
    scenario: str
    release_id: str
    arms: str
    tuned: bool
    made_at: datetime
    first_place: int
    items: str


class ListStore:
    """The lists of one installation."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def append(self, rows: Sequence[ListRow]) -> None:
        """Store lists; one that is stored already stays as it is.

        It does not wait for the disk: a machine that loses its power loses the lists of the last moments.

        Raises:
            Unreachable: The database does not answer.
        """
        insert = postgresql.insert if self._engine.dialect.name == "postgresql" else sqlite.insert
        for start in range(0, len(rows), _AT_ONCE):
            with writing_unsynced(self._engine) as connection:
                given = [row._asdict() for row in rows[start : start + _AT_ONCE]]
                connection.execute(insert(LISTS).on_conflict_do_nothing(), given)

    def scenarios(self, list_ids: Iterable[str]) -> Mapping[str, str]:
        """Return the scenarios of those of at most some thousands of lists that are stored.

        Raises:
            Unreachable: The database does not answer.
        """
        query = sa.select(LISTS.c.list_id, LISTS.c.scenario).where(LISTS.c.list_id.in_(list_ids))
        with reading(self._engine) as connection:
            return dict(connection.execute(query).tuples().all())

    def forget(self, user_id: str) -> int:
        """Delete a user's lists for good; return how many there were."""
        return erase(self._engine, LISTS, LISTS.c.user_id == user_id) if is_storable(user_id) else 0
