"""Examples: items with those that are nearest to them, and lists of some learners with their reasons."""

from collections.abc import Mapping
from typing import Any, Final

import polars as pl

from nightschool.columns import (
    BECAUSE_ITEM_ID,
    ITEM_ID,
    NEIGHBOR_ID,
    RANK,
    REASON,
    RECOMMENDATIONS,
    SIMILAR_ITEMS,
    TIMESTAMP,
    TITLE,
    USER_ID,
)
from nightschool.reports.counts import SHARED
from nightschool.reports.document import Rows, Section
from nightschool.storage.lake import Lake
from nightschool.vocabulary import ACTIVITY_SEGMENTS, reason_in_words

_ITEMS = 5
_NEIGHBOURS = 5
_LEARNERS = 10
_PLACES = 5
_FEW: Final = "an item of few users"


def named_items(events: pl.LazyFrame, titles: pl.DataFrame) -> dict[Any, str]:
    """Return the titles of items that enough users share to be named, the item with the most users first.

    Args:
        events: The interactions as of T.
        titles: item_id and title.
    """
    users = events.group_by(ITEM_ID).agg(users=pl.col(USER_ID).n_unique()).filter(pl.col("users") >= SHARED).collect()
    known = users.sort("users", ITEM_ID, descending=[True, False]).join(
        titles, on=ITEM_ID, how="left", maintain_order="left"
    )
    return dict(known.select(ITEM_ID, pl.coalesce(TITLE, pl.col(ITEM_ID).cast(pl.String))).iter_rows())


def similar_items_section(lake: Lake, release_id: str, named: Mapping[Any, str]) -> Section:
    """Show the items with the most users, and the items that are nearest to each.

    Args:
        lake: The tables.
        release_id: The release.
        named: Titles of items by id, the most popular first.
    """
    asked = [*named][:_ITEMS]
    near = lake.scan(SIMILAR_ITEMS, release_id).filter(
        pl.col(ITEM_ID).is_in(asked), pl.col(NEIGHBOR_ID).is_in([*named])
    )
    found = near.sort(RANK).select(ITEM_ID, NEIGHBOR_ID).collect()
    rows = []
    for item in asked:
        names = [named[one] for one in found.filter(pl.col(ITEM_ID) == item)[NEIGHBOR_ID].head(_NEIGHBOURS)]
        if names:
            rows.append((named[item], ", ".join(names)))
    if not rows:
        return Section("What is similar", ["The release holds no similar items that many users share."])
    return Section("What is similar", tables=[Rows("The items with the most users", ["item", "most similar"], rows)])


def learners_section(
    lake: Lake, release_id: str, events: pl.LazyFrame, titles: pl.DataFrame, named: Mapping[Any, str]
) -> Section:
    """Show lists of some learners, from the quietest to the busiest, with the reasons.

    It is about persons, although it names none: it stays in the home.

    Args:
        lake: The tables.
        release_id: The release.
        events: The interactions as of T.
        titles: item_id and title.
        named: Titles by id of items that enough users share to be named in a history.
    """
    lists = lake.scan(RECOMMENDATIONS, release_id)
    because = (
        lists.filter(pl.col(RANK) <= _LEARNERS).select(pl.col(BECAUSE_ITEM_ID).is_not_null().mean()).collect().item()
    )
    sizes = events.group_by(USER_ID).len(name="n").join(lists.select(USER_ID).unique(), on=USER_ID, how="semi")
    ordered = sizes.sort("n", USER_ID).collect()
    if ordered.is_empty():
        return Section("Some learners' lists", ["Nobody has a list."], private=True)
    places = sorted({(2 * n + 1) * ordered.height // (2 * _LEARNERS) for n in range(_LEARNERS)})
    chosen = ordered[places]
    told = dict(titles.select(ITEM_ID, pl.coalesce(TITLE, pl.col(ITEM_ID).cast(pl.String))).iter_rows())
    asked = pl.col(USER_ID).is_in(chosen[USER_ID].implode())
    first = lists.filter(asked, pl.col(RANK) <= _PLACES).sort(USER_ID, RANK).collect()
    newest = events.filter(asked).sort(TIMESTAMP, descending=True, nulls_last=True, maintain_order=True)
    met = newest.select(USER_ID, ITEM_ID).unique(maintain_order=True).collect()
    tables = [
        Rows(
            _learner(place, n, [named.get(item) for item in met.filter(pl.col(USER_ID) == user)[ITEM_ID]]),
            ["item", "why"],
            [_entry(row, told, named) for row in first.filter(pl.col(USER_ID) == user).iter_rows(named=True)],
        )
        for place, (user, n) in enumerate(chosen.iter_rows(), start=1)
    ]
    lead = (
        f"From the quietest to the busiest. Of all first ten places {because:.0%} follow from an item of the history."
    )
    return Section("Some learners' lists", [lead], tables=tables, private=True)


def _learner(place: int, n: int, history: list[str | None]) -> str:
    """Say how much a learner did, not to the number, and name what many others did too."""
    segment = [name for name, least in ACTIVITY_SEGMENTS.items() if n >= least][-1]
    names = [name for name in history if name is not None][:_PLACES]
    rest = len(history) - len(names)
    known = ", ".join([*names, *([f"{'more' if names else 'items'} of their own"] if rest else [])])
    return f"Learner {place}, {segment}, who met {known}"


def _entry(row: Mapping[str, Any], told: Mapping[Any, str], named: Mapping[Any, str]) -> tuple[str, str]:
    source = row[BECAUSE_ITEM_ID]
    because = None if source is None else named.get(source, _FEW)
    return told.get(row[ITEM_ID], str(row[ITEM_ID])), reason_in_words(row[REASON], because, "them")
