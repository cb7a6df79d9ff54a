"""Who was shown which list of an experiment: from the first impression of a list, or the first event that names it."""

import json
from typing import Any, Final

import polars as pl
import sqlalchemy as sa

from nightschool.columns import INSTANT, ITEM_ID, LIST_ID, USER_ID
from nightschool.shown.attribution import AT, FIRST_PLACE, ITEMS, entries_of
from nightschool.shown.shown_frame import exposure_times
from nightschool.shown_table import ARMS, PROPENSITY
from nightschool.storage.tables import EXPOSURES, LISTS

ARM: Final = "arm"
_SHOWN: Final = pl.List(pl.Struct({ITEM_ID: pl.String, PROPENSITY: pl.Float64}))
_OF_LISTS: Final = {
    LIST_ID: pl.String(),
    USER_ID: pl.String(),
    ARMS: pl.String(),
    FIRST_PLACE: pl.Int64(),
    ITEMS: pl.String(),
    AT: INSTANT,
}


def read_exposures(connection: sa.Connection, experiment: str) -> pl.DataFrame:
    """Read the exposures of an experiment in the order of time: user_id, arm, at, items (item_id, propensity).

    Lists of sessions and lists that a request changed by hand do not count. Those from before lists had ids do.
    """
    exposures = pl.concat([_of_lists(connection, experiment), _of_log(connection, experiment)])
    return exposures.sort(AT, maintain_order=True)


def exposed_users(connection: sa.Connection, experiment: str) -> sa.CompoundSelect[Any]:
    """Return the query of the users whom an experiment made a list for: user_id."""
    logged = sa.select(EXPOSURES.c.user_id).where(EXPOSURES.c.experiment == experiment)
    return sa.union(logged, sa.select(LISTS.c.user_id).where(_counts(connection, experiment)))


def _of_lists(connection: sa.Connection, experiment: str) -> pl.DataFrame:
    times = exposure_times().subquery()
    columns = [LISTS.c[name] for name in _OF_LISTS if name != AT]
    query = sa.select(*columns, sa.func.min(times.c.at, type_=LISTS.c.made_at.type).label(AT))
    query = query.join(times, times.c.list_id == LISTS.c.list_id).where(_counts(connection, experiment))
    rows = connection.execute(query.group_by(LISTS.c.list_id)).all()
    lists = pl.DataFrame([*map(tuple, rows)], _OF_LISTS, orient="row")
    arms = {text: json.loads(text)[experiment] for text in lists[ARMS].unique()}
    items = entries_of(lists).group_by(LIST_ID).agg(pl.struct(ITEM_ID, PROPENSITY).alias(ITEMS))
    arm = pl.col(ARMS).replace_strict(arms, return_dtype=pl.String).alias(ARM)
    return lists.drop(ITEMS).join(items, on=LIST_ID).select(USER_ID, arm, AT, ITEMS)


def _of_log(connection: sa.Connection, experiment: str) -> pl.DataFrame:
    columns = (EXPOSURES.c.user_id, EXPOSURES.c.arm, EXPOSURES.c.at, EXPOSURES.c[ITEMS])
    query = sa.select(*columns).where(EXPOSURES.c.experiment == experiment)
    rows = connection.execute(query.order_by(EXPOSURES.c.at, EXPOSURES.c.sequence)).all()
    schema = {USER_ID: pl.String(), ARM: pl.String(), AT: INSTANT, ITEMS: pl.String()}
    frame = pl.DataFrame([*map(tuple, rows)], schema, orient="row")
    return frame.with_columns(pl.col(ITEMS).str.json_decode(_SHOWN))


def _counts(connection: sa.Connection, experiment: str) -> sa.ColumnElement[bool]:
    """Return which lists an experiment made for a user; the few combinations of arms are compared as texts."""
    arms = connection.execute(sa.select(LISTS.c.arms).distinct()).scalars().all()
    having = [text for text in arms if experiment in json.loads(text)]
    return sa.and_(LISTS.c.arms.in_(having), LISTS.c.user_id.is_not(None), ~LISTS.c.tuned)
