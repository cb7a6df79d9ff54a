"""Figures of tonight's lists: how broad and how popular they are, how many changed, and what was taken of the last."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import fsum
from typing import Final

import numpy as np
import polars as pl

from nightschool.columns import ITEM_ID, METRIC, RANK, USER_ID, VALUE
from nightschool.contract import Dataset
from nightschool.evaluation.figure_rows import Figure
from nightschool.evaluation.metrics import Float64s, gini, popularity_of, self_information

TOP: Final = 10
"""Places of a list that count."""

CHANGED: Final = "changed_lists"
KEPT: Final = "kept_items"
TAKEN: Final = "taken"


@dataclass(frozen=True, eq=False)
class Since:
    """What there was since the release before.

    Attributes:
        lists: user_id, item_id and rank of that release's lists.
        events: user_id and item_id of the events that have become known since.
    """

    lists: pl.LazyFrame
    events: pl.LazyFrame


def measure_lists(lists: pl.DataFrame, dataset: Dataset, since: Since | None) -> list[Figure]:
    """Measure the first ten of each list.

    Of the lists alone: `coverage`, `gini`, `novelty` and `average_popularity`, as in the catalogue of metrics. Against
    the release before, of the users of both: `changed_lists`, the share of users without new events who have another
    item among their first ten; `kept_items`, the mean share of their first ten that stayed; and `taken`, the share of
    users with new events who took an item that was among their first ten.

    Args:
        lists: user_id, item_id and rank of every list.
        dataset: Everything known tonight.
        since: What there was since the release before; None on the first night.
    """
    first = lists.filter(pl.col(RANK) <= TOP).select(USER_ID, ITEM_ID)
    if first.is_empty():
        return []
    figures = list(_of_lists(first, dataset))
    if since is not None:
        figures += _since(first, since)
    return figures


def changed_lists(rows: pl.DataFrame) -> float | None:
    """Return the share of lists that changed without new events, from rows of the metrics table; None without any."""
    found = rows.filter(pl.col(METRIC) == CHANGED)[VALUE]
    return float(found[0]) if len(found) else None


def _of_lists(first: pl.DataFrame, dataset: Dataset) -> Iterator[Figure]:
    n_users = first[USER_ID].n_unique()
    counted = first.group_by(ITEM_ID).len(name="places")
    items = pl.DataFrame({ITEM_ID: dataset.item_ids}).join(counted, on=ITEM_ID, how="left", maintain_order="left")
    places = items["places"].fill_null(0).to_numpy().astype(np.float64)
    shown = places[dataset.available]
    history = dataset.history()
    popularity = popularity_of(
        np.bincount(history.indices, minlength=dataset.n_items), int((np.diff(history.indptr) > 0).sum())
    )
    yield Figure("coverage", float((shown > 0).mean()) if len(shown) else None, TOP, n_users)
    yield Figure("gini", gini(shown), TOP, n_users)
    yield Figure("novelty", _mean(self_information(popularity), places), TOP, n_users)
    yield Figure("average_popularity", _mean(popularity, places), TOP, n_users)


def _mean(values: Float64s, places: Float64s) -> float:
    return float(values @ places / places.sum())


def _since(first: pl.DataFrame, since: Since) -> list[Figure]:
    before = since.lists.filter(pl.col(RANK) <= TOP).select(USER_ID, ITEM_ID).collect()
    events = since.events.select(USER_ID, ITEM_ID).unique().collect()
    both = first.join(before.select(USER_ID).unique(), on=USER_ID, how="semi")
    quiet = both.join(events.select(USER_ID).unique(), on=USER_ID, how="anti")
    stayed = quiet.join(before, on=[USER_ID, ITEM_ID], how="semi").group_by(USER_ID).len(name="stayed")
    users = quiet.group_by(USER_ID).len(name="n").join(stayed, on=USER_ID, how="left")
    shares = users.select(pl.col("stayed").fill_null(0) / pl.col("n")).to_series().to_numpy()
    active = before.join(events.select(USER_ID).unique(), on=USER_ID, how="semi")
    n_active = active[USER_ID].n_unique()
    took = active.join(events, on=[USER_ID, ITEM_ID], how="semi")[USER_ID].n_unique()
    figures = [Figure(TAKEN, took / n_active, TOP, n_active)] if n_active else []
    if len(shares):
        figures += [
            Figure(CHANGED, float((shares < 1).mean()), TOP, len(shares)),
            # An exact sum does not depend on the order of its terms, and groups have none.
            Figure(KEPT, fsum(shares) / len(shares), TOP, len(shares)),
        ]
    return figures
