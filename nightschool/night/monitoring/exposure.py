"""Which kinds of items the lists show, beside what users choose and what the catalogue offers."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Final

import numpy as np
import polars as pl

from nightschool.columns import ITEM_ID, RANK, USER_ID
from nightschool.contract import Dataset, Mask
from nightschool.evaluation.figure_rows import Figure
from nightschool.evaluation.intervals import ratio_intervals
from nightschool.evaluation.segments import OTHERS
from nightschool.night.monitoring.lists import TOP

EXPOSURE: Final = "exposure"
CHOSEN: Final = "chosen_share"
OFFERED: Final = "offered_share"

POPULARITY: Final = "popularity"
AGE: Final = "age"
_SHARES: Final = {"top 5 %": 0.05, "next 15 %": 0.2, "other 80 %": 1.0}
_YOUNG: Final = timedelta(days=30)
_MOST_VALUES: Final = 20
_FEWEST_ITEMS: Final = 5


def item_groups(dataset: Dataset, births: pl.Series, as_of: datetime) -> dict[str, Mask]:
    """Map kinds of available items to bool[n_items]: by category, by popularity and by age.

    Of each category the 20 largest values with at least five items; the rest are its `others`.

    Args:
        dataset: Everything known tonight.
        births: When each item came, by item index; null where it is unknown.
        as_of: T.
    """
    available = dataset.available
    groups: dict[str, Mask] = {}
    for column in dataset.item_columns.categories:
        groups |= _values(column, dataset.items[column].cast(pl.String), available)
    users = np.bincount(dataset.history().indices, minlength=dataset.n_items)
    places = np.argsort(np.argsort(-np.where(available, users, -1), kind="stable"), kind="stable")
    start, n_available = 0, int(available.sum())
    for name, share in _SHARES.items():
        end = round(share * n_available)
        groups[f"{POPULARITY}:{name}"] = available & (places >= start) & (places < end)
        start = end
    if births.count():
        young = (births > as_of - _YOUNG).fill_null(value=False).to_numpy()
        groups |= {f"{AGE}:below 30 days": available & young, f"{AGE}:older": available & ~young}
    return {name: members for name, members in groups.items() if members.any()}


def measure_exposure(lists: pl.DataFrame, dataset: Dataset, groups: Mapping[str, Mask]) -> Iterator[Figure]:
    """Measure how much of the first ten places each kind of items gets.

    `exposure` is the share of the places, with an interval over users; `chosen_share` that of all users' histories, and
    `offered_share` that of the catalogue.

    Args:
        lists: user_id, item_id and rank of every list.
        dataset: Everything known tonight.
        groups: Kinds of items.
    """
    first = lists.filter(pl.col(RANK) <= TOP).select(USER_ID, ITEM_ID)
    if first.is_empty():
        return
    index = pl.DataFrame({ITEM_ID: dataset.item_ids, "item": np.arange(dataset.n_items)})
    placed = first.join(index, on=ITEM_ID)
    users = placed[USER_ID].rank("dense").to_numpy().astype(np.int64) - 1
    items = placed["item"].to_numpy()
    lengths = np.bincount(users).astype(np.float64)
    chosen = np.bincount(dataset.history().indices, minlength=dataset.n_items)
    for name, members in groups.items():
        own = np.bincount(users, weights=members[items], minlength=len(lengths)).astype(np.float64)
        ends = ratio_intervals(own[:, None], lengths[:, None])
        interval = (float(ends.low[0]), float(ends.high[0]))
        yield Figure(EXPOSURE, float(own.sum() / lengths.sum()), TOP, len(lengths), name, interval)
        yield Figure(CHOSEN, float(chosen[members].sum() / max(chosen.sum(), 1)), segment=name)
        yield Figure(OFFERED, float(members.sum() / dataset.available.sum()), segment=name)


def _values(column: str, labels: pl.Series, available: Mask) -> dict[str, Mask]:
    counts = labels.filter(pl.Series(available)).drop_nulls().value_counts(name="items")
    large = counts.filter(pl.col("items") >= _FEWEST_ITEMS).sort("items", column, descending=[True, False])
    names = large[column].head(_MOST_VALUES).to_list()
    groups = {f"{column}:{name}": available & labels.eq(name).fill_null(False).to_numpy() for name in sorted(names)}
    groups[f"{column}:{OTHERS}"] = available & (labels.is_not_null() & ~labels.is_in(names)).to_numpy()
    return groups
