"""What was shown, read from the database of the service."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import polars as pl
import sqlalchemy as sa

from nightschool.columns import EVENT, INSTANT, ITEM_ID, LIST_ID, RELEASE_ID, USER_ID
from nightschool.shown.attribution import AT, FIRST_PLACE, ITEMS, PLACES, WINDOW, shown_rows
from nightschool.shown_table import ARMS, SCENARIO, SHOWN_AT, TUNED
from nightschool.storage.database import reading
from nightschool.storage.tables import EVENTS, IMPRESSIONS, LISTS, UNDONE

_LISTS: Final = {
    LIST_ID: pl.String(),
    USER_ID: pl.String(),
    SCENARIO: pl.String(),
    RELEASE_ID: pl.String(),
    ARMS: pl.String(),
    TUNED: pl.Boolean(),
    FIRST_PLACE: pl.Int64(),
    ITEMS: pl.String(),
}
_IMPRESSIONS: Final = {LIST_ID: pl.String(), AT: INSTANT, PLACES: pl.List(pl.Int64)}
_EVENTS: Final = {USER_ID: pl.String(), ITEM_ID: pl.String(), EVENT: pl.String(), AT: INSTANT, LIST_ID: pl.String()}

STANDS: Final = EVENTS.c.event_id.not_in(sa.select(UNDONE.c.event_id))
"""Which events were not taken back."""


def exposure_times() -> sa.CompoundSelect[Any]:
    """Return the query of when a list was shown, list_id and at: its impressions, and the events that name it."""
    named = sa.select(EVENTS.c.list_id, EVENTS.c.at).where(EVENTS.c.list_id.is_not(None), STANDS)
    return sa.union_all(sa.select(IMPRESSIONS.c.list_id, IMPRESSIONS.c.at), named)


def read_shown(engine: sa.Engine, since: datetime, until: datetime, window: timedelta = WINDOW) -> pl.DataFrame:
    """Read what was first shown in a span of time, and what came of it: the columns `attribution.COLUMNS`.

    Impressions of lists that nobody made, or that were erased or pruned, are left out.

    Args:
        engine: The database.
        since: The first instant of the span.
        until: The end of the span, itself outside.
        window: How long after an item was shown an event counts.

    Raises:
        Unreachable: The database does not answer.
    """
    times = exposure_times().subquery()
    during = sa.select(times.c.list_id).where(times.c.at >= since, times.c.at < until + window)
    happened = sa.and_(EVENTS.c.at >= since, EVENTS.c.at < until + window)
    counted = sa.and_(STANDS, sa.or_(happened, EVENTS.c.list_id.in_(during)))
    with reading(engine) as connection:
        lists = _frame(connection, LISTS, _LISTS, LISTS.c.list_id.in_(during))
        impressions = _frame(connection, IMPRESSIONS, _IMPRESSIONS, IMPRESSIONS.c.list_id.in_(during))
        events = _frame(connection, EVENTS, _EVENTS, counted)
    shown = shown_rows(lists, impressions, events, window)
    return shown.filter(pl.col(SHOWN_AT) >= since, pl.col(SHOWN_AT) < until)


def _frame(
    connection: sa.Connection, table: sa.Table, schema: Mapping[str, Any], rows: sa.ColumnElement[bool]
) -> pl.DataFrame:
    query = sa.select(*(table.c[name] for name in schema)).where(rows)
    return pl.DataFrame([*map(tuple, connection.execute(query))], schema, orient="row")
