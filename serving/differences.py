"""Differences between two releases: users' lists, items, gates, metrics and row counts."""

from collections.abc import Mapping
from functools import cache
from typing import Any, Final, NamedTuple

import polars as pl

from nightschool.columns import (
    AVAILABLE_AT,
    CI_HIGH,
    CI_LOW,
    ITEM_ID,
    ITEMS,
    METRIC,
    METRICS,
    MODEL,
    RANK,
    RECOMMENDATIONS,
    SEGMENT,
    SPLIT,
    TITLE,
    USER_ID,
    VALUE,
    WITHDRAWN,
    K,
)
from nightschool.evaluation.catalog import Place, shown_in
from nightschool.evaluation.segments import OVERALL
from nightschool.storage.lake import Lake
from nightschool.storage.releases import Release

TOP: Final = 10
"""How many items of each list are compared."""

_PERSISTENCE = 0.9
_MOST = 10
_LEFT, _RIGHT = f"{RANK}_left", f"{RANK}_right"
_DEPTH, _LENGTH, _GAIN = "depth", "length", "gain"


class ListDifferences(NamedTuple):
    """How the first ten items of all users' lists differ.

    Attributes:
        users: Users with a list in both releases.
        only_left: Users with a list in the left one alone.
        only_right: The same of the right one.
        changed: Share of the users in both whose first ten are other items, or the same in another order.
        other_items: Share of them whose first ten hold another item.
        overlap: Their mean rank-biased overlap; None without such users.
    """

    users: int
    only_left: int
    only_right: int
    changed: float
    other_items: float
    overlap: float | None


class MovedItem(NamedTuple):
    """An item, and in how many users' first ten it is."""

    item_id: int | str
    title: str
    left: int
    right: int

    @property
    def change(self) -> int:
        """Return the lists that the item gained; below zero, lost."""
        return self.right - self.left


class SideBySide(NamedTuple):
    """A value of two releases; None where one of them lacks it."""

    name: str
    left: Any
    right: Any


def compare_lists(lake: Lake, left: str, right: str) -> tuple[ListDifferences, list[MovedItem]]:
    """Compare the lists of two releases; return the differences and the items that moved, the largest gain first."""
    tops = [_top(lake, release_id) for release_id in (left, right)]
    both = tops[0].join(tops[1], on=[USER_ID, ITEM_ID], how="full", coalesce=True, suffix="_right")
    both = both.rename({RANK: _LEFT})
    return _summarize_differences(both), _moved_items(lake, both)


def compare_gates(left: Release, right: Release) -> list[SideBySide]:
    """Pair the results of each gate in both releases."""
    return _side_by_side(
        *({gate["name"]: gate for gate in release.gates.get("asked", ())} for release in (left, right))
    )


def compare_rows(left: Release, right: Release) -> list[SideBySide]:
    """Pair the row counts of each table in both releases."""
    return _side_by_side(left.row_counts, right.row_counts)


def compare_metrics(lake: Lake, left: str, right: str) -> list[SideBySide]:
    """Pair the test metrics of each role in both releases, each with the ends of its interval."""
    pairs = _side_by_side(*(_metrics(lake, release_id) for release_id in (left, right)))
    return sorted(pairs, key=lambda pair: pair.name)


def _top(lake: Lake, release_id: str) -> pl.DataFrame:
    rows = lake.scan(RECOMMENDATIONS, release_id).filter(pl.col(RANK) <= TOP)
    return rows.select(USER_ID, ITEM_ID, RANK).collect()


def _summarize_differences(both: pl.DataFrame) -> ListDifferences:
    """Summarise how lists differ, from rows of user, item and its rank in either list."""
    common = pl.col(_LEFT).is_not_null() & pl.col(_RIGHT).is_not_null()
    users = both.group_by(USER_ID).agg(
        pl.col(_LEFT).count().alias("n_left"),
        pl.col(_RIGHT).count().alias("n_right"),
        common.sum().alias("common"),
        (pl.col(_LEFT) == pl.col(_RIGHT)).sum().alias("unmoved"),
    )
    users = users.with_columns(pl.max_horizontal("n_left", "n_right").alias(_LENGTH))
    shared = users.filter(pl.col("n_left") > 0, pl.col("n_right") > 0)
    return ListDifferences(
        users=shared.height,
        only_left=users.filter(pl.col("n_right") == 0).height,
        only_right=users.filter(pl.col("n_left") == 0).height,
        changed=_share(shared, pl.col("unmoved") < pl.col(_LENGTH)),
        other_items=_share(shared, pl.col("common") < pl.col(_LENGTH)),
        overlap=_overlap(both.filter(common), shared),
    )


def _overlap(both: pl.DataFrame, shared: pl.DataFrame) -> float | None:
    """Compute the mean rank-biased overlap of each user's two lists, 0–1, extrapolated beyond their end, p = 0.9.

    W. Webber, A. Moffat, J. Zobel, "A similarity measure for indefinite rankings", 2010, equation 32. An item that both
    lists hold counts at every depth from the deeper of its two ranks on, so the sum over depths is one over items.
    """
    depths = both.select(USER_ID, pl.max_horizontal(_LEFT, _RIGHT).cast(pl.Int64).alias(_DEPTH))
    lengths = shared.select(USER_ID, pl.col(_LENGTH).cast(pl.Int64))
    gains = depths.join(lengths, on=USER_ID).join(_gains(), on=[_LENGTH, _DEPTH])[_GAIN]
    return float(gains.sum()) / shared.height if shared.height else None


@cache
def _gains() -> pl.DataFrame:
    """Tabulate what a common item adds, by the length of the longer list and the deeper of its ranks."""
    rows = [(length, depth, _gain(length, depth)) for length in range(1, TOP + 1) for depth in range(1, length + 1)]
    return pl.DataFrame(rows, schema=[_LENGTH, _DEPTH, _GAIN], orient="row")


def _gain(length: int, depth: int) -> float:
    shared_depths = sum(_PERSISTENCE**d / d for d in range(depth, length + 1))
    return _PERSISTENCE**length / length + (1 - _PERSISTENCE) / _PERSISTENCE * shared_depths


def _share(users: pl.DataFrame, held: pl.Expr) -> float:
    return users.select(held.mean().fill_null(0.0)).item() if users.height else 0.0


def _moved_items(lake: Lake, both: pl.DataFrame) -> list[MovedItem]:
    counts = both.group_by(ITEM_ID).agg(pl.col(_LEFT).count().cast(pl.Int64), pl.col(_RIGHT).count().cast(pl.Int64))
    ordered = counts.filter(pl.col(_LEFT) != pl.col(_RIGHT)).sort(pl.col(_LEFT) - pl.col(_RIGHT), ITEM_ID)
    most = pl.concat([ordered.head(_MOST), ordered.tail(_MOST)]).unique(maintain_order=True)
    titles = titles_of(lake, most[ITEM_ID])
    return [MovedItem(item_id, titles.get(item_id, ""), left, right) for item_id, left, right in most.iter_rows()]


def titles_of(lake: Lake, item_ids: pl.Series) -> dict[int | str, str]:
    """Return the newest title of each item."""
    described = ~pl.col(WITHDRAWN).fill_null(value=False)
    rows = lake.scan(ITEMS).filter(pl.col(ITEM_ID).is_in(item_ids.implode()), described).sort(AVAILABLE_AT)
    return dict(rows.select(ITEM_ID, pl.col(TITLE).fill_null("")).collect().iter_rows())


def _metrics(lake: Lake, release_id: str) -> dict[str, tuple[float, float | None, float | None]]:
    rows = lake.scan(METRICS, release_id).filter(
        pl.col(SPLIT) == "test",
        pl.col(SEGMENT) == OVERALL,
        pl.col(METRIC).is_in([metric.name for metric in shown_in(Place.DIFFERENCES)]),
        pl.col(K).eq(TOP).fill_null(True),
        pl.col(VALUE).is_not_null(),
    )
    found = rows.sort(MODEL, METRIC).select(MODEL, METRIC, K, VALUE, CI_LOW, CI_HIGH).collect()
    return {
        f"{model}: {metric}{'' if k is None else f'@{k}'}": (value, low, high)
        for model, metric, k, value, low, high in found.iter_rows()
    }


def _side_by_side(left: Mapping[str, Any], right: Mapping[str, Any]) -> list[SideBySide]:
    return [SideBySide(name, left.get(name), right.get(name)) for name in dict.fromkeys((*left, *right))]
