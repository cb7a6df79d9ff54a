"""What came of each item that was shown: exposures from impressions and events, and the reactions due to them."""

from datetime import timedelta
from typing import Final

import polars as pl

from nightschool.columns import EVENT, ITEM_ID, LIST_ID, SHOWN, SOURCE, USER_ID
from nightschool.shown_table import (
    COMPLETED_AT,
    LIKED_AT,
    PLACE,
    PROPENSITY,
    REJECTED_AT,
    SHOWN_AT,
    TIMES,
    VIEWED_AT,
)

AT: Final = "at"
PLACES: Final = "places"
FIRST_PLACE: Final = "first_place"
ITEMS: Final = "items"
REACTIONS: Final = {
    VIEWED_AT: ("view",),
    LIKED_AT: ("like",),
    COMPLETED_AT: ("complete",),
    REJECTED_AT: ("dislike", "hide"),
}
"""Columns of the first reaction of a kind, and the events of that kind."""

WINDOW: Final = timedelta(hours=24)
"""How long after an item was shown a reaction to it is due to that."""

COLUMNS: Final = SHOWN.schema(user_id=pl.String(), item_id=pl.String())
"""The columns of what was shown as the database has it: ids are texts."""

_ENTRY: Final = [LIST_ID, PLACE]


def shown_rows(
    lists: pl.DataFrame, impressions: pl.DataFrame, events: pl.DataFrame, window: timedelta = WINDOW
) -> pl.DataFrame:
    """Compute what was shown, and what came of it: the columns `COLUMNS`, by list and place.

    A place is shown from the first impression that names it, or names no places, or from the first event that names the
    list and its item. All places of a list without impressions are shown from the first event that names the list.

    An event belongs to the list that it names, where that holds the item, and else to the list that showed the item to
    the user last. It counts within the window after the item was first shown there.

    Args:
        lists: list_id, user_id (null: a session), scenario, release_id, arms, tuned, first_place, items (JSON).
        impressions: list_id, at, places (list; null: all).
        events: user_id, item_id, event, at, list_id (null: none was named).
        window: How long after an item was shown an event counts.
    """
    entries = _with_exposures(entries_of(lists), impressions, events).filter(pl.col(SHOWN_AT).is_not_null())
    named = events.drop(USER_ID).join(entries.select(*_ENTRY, ITEM_ID, SHOWN_AT), on=[LIST_ID, ITEM_ID])
    due = pl.concat(
        [frame.select(*_ENTRY, EVENT, AT, SHOWN_AT) for frame in (named, _unnamed(entries, events, window))]
    )
    due = due.filter(pl.col(AT) >= pl.col(SHOWN_AT), pl.col(AT) < pl.col(SHOWN_AT) + window)
    first = [pl.col(AT).filter(pl.col(EVENT).is_in(kinds)).min().alias(name) for name, kinds in REACTIONS.items()]
    reactions = due.group_by(_ENTRY).agg(first)
    return entries.join(reactions, on=_ENTRY, how="left").select(*COLUMNS).sort(_ENTRY)


def entries_of(lists: pl.DataFrame) -> pl.DataFrame:
    """Return a row an item of each list, with its place, propensity and source."""
    arrays = {ITEM_ID: pl.List(pl.String), PROPENSITY: pl.List(pl.Float64), SOURCE: pl.List(pl.String)}
    decoded = lists.with_columns(pl.col(ITEMS).str.json_decode(pl.Struct(arrays))).unnest(ITEMS)
    entries = decoded.explode([*arrays]).filter(pl.col(ITEM_ID).is_not_null())
    place = pl.col(FIRST_PLACE) + pl.int_range(pl.len()).over(LIST_ID)
    return entries.with_columns(place.cast(pl.Int64).alias(PLACE)).drop(FIRST_PLACE)


def _with_exposures(entries: pl.DataFrame, impressions: pl.DataFrame, events: pl.DataFrame) -> pl.DataFrame:
    """Add when each entry was first shown, null for one that was not, and in how many impressions."""
    first, n = pl.col(AT).min(), pl.len().cast(pl.Int64)
    of_all = impressions.filter(pl.col(PLACES).is_null()).group_by(LIST_ID).agg(first.alias("all_at"), n.alias("n_all"))
    of_some = impressions.filter(pl.col(PLACES).is_not_null()).explode(PLACES).rename({PLACES: PLACE})
    of_some = of_some.group_by(_ENTRY).agg(first.alias("some_at"), n.alias("n_some"))
    named = events.filter(pl.col(LIST_ID).is_not_null())
    of_item = named.group_by(LIST_ID, ITEM_ID).agg(first.alias("item_at"))
    of_list = named.join(impressions, on=LIST_ID, how="anti").group_by(LIST_ID).agg(first.alias("list_at"))
    joined = (
        entries.join(of_all, on=LIST_ID, how="left")
        .join(of_some, on=_ENTRY, how="left")
        .join(of_item, on=[LIST_ID, ITEM_ID], how="left")
        .join(of_list, on=LIST_ID, how="left")
    )
    times = pl.col("n_all").fill_null(0) + pl.col("n_some").fill_null(0)
    shown_at = pl.min_horizontal("all_at", "some_at", "item_at", "list_at")
    return joined.with_columns(shown_at.alias(SHOWN_AT), times.alias(TIMES))


def _unnamed(entries: pl.DataFrame, events: pl.DataFrame, window: timedelta) -> pl.DataFrame:
    """Join each event that names no list with its item to the list that showed the user that item last."""
    rest = events.join(entries.select(LIST_ID, ITEM_ID), on=[LIST_ID, ITEM_ID], how="anti").drop(LIST_ID).sort(AT)
    by_user = entries.filter(pl.col(USER_ID).is_not_null()).select(*_ENTRY, USER_ID, ITEM_ID, SHOWN_AT).sort(SHOWN_AT)
    pairs = [USER_ID, ITEM_ID]
    joined = rest.join_asof(
        by_user, left_on=AT, right_on=SHOWN_AT, by=pairs, tolerance=window, coalesce=False, check_sortedness=False
    )
    return joined.filter(pl.col(LIST_ID).is_not_null())
