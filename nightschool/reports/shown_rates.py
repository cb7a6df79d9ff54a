"""Click and completion rates of what was shown: in all, by place, scenario, release and segment of users."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

import polars as pl

from nightschool.columns import RELEASE_ID, USER_ID
from nightschool.experiments.intervals import Estimate, wilson
from nightschool.shown_table import COMPLETED_AT, LIKED_AT, PLACE, SCENARIO, SHOWN_AT, TUNED, VIEWED_AT

RECENT: Final = timedelta(days=28)
"""What was shown in these days before T is counted."""

MOST_VALUES: Final = 20
"""How many values of a kind are listed, those that were shown most."""

BY: Final = {"place": PLACE, "scenario": SCENARIO, "release": RELEASE_ID}
_CLICKED: Final = pl.any_horizontal(pl.col(name).is_not_null() for name in (VIEWED_AT, LIKED_AT, COMPLETED_AT))


class Rate(NamedTuple):
    """How often what was shown was taken up.

    Attributes:
        kind: What the rows are grouped by: `all`, `place`, `scenario`, `release`, or a column of users.
        value: The value of the group.
        shown: How many items were shown, once each list and place.
        clicked: How many of them were viewed, liked or completed, with a 95 % Wilson interval.
        completed: How many of them were completed, likewise.
    """

    kind: str
    value: str
    shown: int
    clicked: Estimate
    completed: Estimate


def recent(shown: pl.LazyFrame, as_of: datetime) -> pl.DataFrame:
    """Return what was shown in the last four weeks before T, without what was changed by hand."""
    return shown.filter(pl.col(SHOWN_AT) >= as_of - RECENT, ~pl.col(TUNED)).collect()


def rates_of(shown: pl.DataFrame, users: pl.DataFrame, attributes: Sequence[str]) -> list[Rate]:
    """Compute the rates in all, then by place, scenario, release and each attribute of users.

    Intervals take the shown items as independent of each other; those of one user are not quite.

    Args:
        shown: The rows that count.
        users: The users, with user_id and the attributes.
        attributes: Columns of labels.
    """
    rates = [*_rates("all", shown.with_columns(pl.lit("all").alias("all")), "all")]
    for kind, column in BY.items():
        rates += _rates(kind, shown, column)
    for name in attributes:
        rates += _rates(name, shown.select(pl.exclude(name)).join(users.select(USER_ID, name), on=USER_ID), name)
    return rates


def _rates(kind: str, shown: pl.DataFrame, column: str) -> Iterator[Rate]:
    """Yield the rates of each value, places and releases in their order, others by how often they were shown."""
    taken = {"clicked": _CLICKED, "completed": pl.col(COMPLETED_AT).is_not_null()}
    counts = [pl.len().alias("n"), *(expression.sum().alias(name) for name, expression in taken.items())]
    counted = shown.group_by(pl.col(column).alias("value")).agg(counts).filter(pl.col("value").is_not_null())
    most = counted.sort("n", "value", descending=[True, False]).head(MOST_VALUES)
    ordered = most.sort("value") if column in (PLACE, RELEASE_ID) else most
    for value, n, clicked, completed in ordered.rows():
        yield Rate(kind, str(value) or "none", n, _wilson(clicked, n), _wilson(completed, n))


def _wilson(hits: int, n: int) -> Estimate:
    return wilson(hits, n) or Estimate(0.0, 0.0, 1.0)
