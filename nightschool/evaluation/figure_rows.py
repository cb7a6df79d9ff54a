"""Figures that are measured otherwise than by an evaluation, as rows of the metrics table."""

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

import polars as pl

from nightschool.columns import CI_HIGH, CI_LOW, METRIC, METRICS, MODEL, N_USERS, RELEASE_ID, SEGMENT, SPLIT, VALUE, K
from nightschool.evaluation.segments import OVERALL

LISTS: Final = "lists"
"""The `model` of figures of what is published: lists and events, and not a model that is tried."""
ALL: Final = "all"
"""Their `split`: nothing is held out."""

_METRICS: Final = METRICS.schema(user_id=pl.Int64(), item_id=pl.Int64())
FIGURE_ROWS: Final = pl.Schema({name: dtype for name, dtype in _METRICS.items() if name != RELEASE_ID})
"""Rows of the metrics table without their release."""


class Figure(NamedTuple):
    """A figure: its metric, value, k (None: not of the first k), users (None: not of users), segment and interval."""

    metric: str
    value: float | None
    k: int | None = None
    n_users: int | None = None
    segment: str = OVERALL
    interval: tuple[float | None, float | None] = (None, None)


def figure_rows(figures: Iterable[Figure], model: str = LISTS, split: str = ALL) -> pl.DataFrame:
    """Return figures as rows of the metrics table without their release.

    Args:
        figures: The figures.
        model: What they are of; the published lists unless it says otherwise.
        split: What they were measured on.
    """
    rows = [{MODEL: model, SPLIT: split, **_columns(each)} for each in figures]
    return pl.DataFrame(rows, schema=FIGURE_ROWS).with_columns(pl.col(VALUE, CI_LOW, CI_HIGH).fill_nan(None))


def _columns(each: Figure) -> Mapping[str, object]:
    low, high = each.interval
    about = {SEGMENT: each.segment, METRIC: each.metric, K: each.k, N_USERS: each.n_users}
    return {**about, VALUE: each.value, CI_LOW: low, CI_HIGH: high}
