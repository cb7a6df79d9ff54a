"""Freshness: the shares of young items in what users do and in what they are recommended."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

import polars as pl

from nightschool.columns import (
    ALWAYS,
    INSTANT,
    ITEM_ID,
    ITEM_INDEX,
    METRIC,
    RANK,
    TIMESTAMP,
    USER_ID,
    USER_INDEX,
    VALUE,
)
from nightschool.data.dataset import EventLog
from nightschool.evaluation.figure_rows import Figure, figure_rows

TOP: Final = 10
WINDOW: Final = timedelta(days=28)
YOUNG: Final[Mapping[str, timedelta]] = {"7d": timedelta(days=7), "30d": timedelta(days=30)}
EVENTS: Final = "new_item_events"
PLACES: Final = "new_item_places"

_BORN: Final = "born"
_AGE: Final = "age"


def births(log: EventLog) -> pl.Series:
    """Return the birth of each item, by item index; null where it is unknown.

    It is the time when the item became available where that is later than `ALWAYS`, else its first event with a time.
    """
    known = log.rows(log.known).drop_nulls(TIMESTAMP)
    first = known.group_by(ITEM_INDEX).agg(pl.col(TIMESTAMP).min())
    items = pl.DataFrame({_BORN: log.item_available_at}).with_row_index(ITEM_INDEX).cast({ITEM_INDEX: pl.Int32})
    both = items.join(first, on=ITEM_INDEX, how="left", maintain_order="left")
    born = pl.when(pl.col(_BORN) > ALWAYS).then(_BORN).otherwise(TIMESTAMP)
    return both.select(born.cast(INSTANT).alias(_BORN)).to_series()


def measure_freshness(log: EventLog, lists: pl.DataFrame, as_of: datetime) -> pl.DataFrame:
    """Return the shares as rows of the metrics table without their release; no rows where the data have no time.

    The events are those of the 28 days up to T, at the ages that items had then; the places are the first ten of each
    list, at the ages that items have at T. `k` is null for events.

    Args:
        log: The events that are known at T.
        lists: user_id, item_id and rank of every list.
        as_of: T.
    """
    if not log.has_time:
        return figure_rows([])
    born = births(log)
    recent = log.rows(log.known).filter(pl.col(TIMESTAMP) > as_of - WINDOW, pl.col(TIMESTAMP) <= as_of)
    age = pl.col(TIMESTAMP) - born.gather(recent[ITEM_INDEX])
    events = recent.select(pl.col(USER_INDEX).alias(USER_ID), age.alias(_AGE))
    items = pl.DataFrame({ITEM_ID: log.empty.item_ids, _BORN: born})
    shown = lists.filter(pl.col(RANK) <= TOP).join(items, on=ITEM_ID, how="left")
    places = shown.select(USER_ID, (pl.lit(as_of, INSTANT) - pl.col(_BORN)).alias(_AGE))
    return figure_rows([*_shares(EVENTS, events, None), *_shares(PLACES, places, TOP)])


def freshness_figures(rows: pl.DataFrame) -> dict[str, float | None]:
    """Return each share by its metric's name; None for those that were not measured."""
    found = dict(rows.select(METRIC, VALUE).iter_rows())
    return {name: found.get(name) for name in (f"{share}_{age}" for share in (EVENTS, PLACES) for age in YOUNG)}


def _shares(name: str, aged: pl.DataFrame, k: int | None) -> list[Figure]:
    """Return the share of rows below each age; an unknown age is not young."""
    young = [(pl.col(_AGE) < limit).fill_null(value=False).mean().alias(age) for age, limit in YOUNG.items()]
    n_users = aged[USER_ID].n_unique()
    return [Figure(f"{name}_{age}", value, k, n_users) for age, value in aged.select(young).row(0, named=True).items()]
