"""Drift rules: a batch compared with the last accepted one from the same source."""

from typing import Any, Final

import polars as pl

from expectations.engine import Column
from expectations.rules import between
from nightschool.data.normalization.profile import HOUR

NOTED: Final = 0.25
"""The population stability index from which a shift is called large, by convention."""

REFUSED: Final = 2.0
"""Beyond it the two distributions hardly overlap: a unit or a mapping must have changed."""

ENOUGH_ROWS: Final = 1_000
"""Values in both batches without which no index refuses."""

EMPTIED: Final = 0.5
ENOUGH_TO_EMPTY: Final = 100
"""Rows in both batches without which no share of missing values refuses."""


def facts(stability: pl.DataFrame) -> pl.DataFrame:
    """Compute the figures that the rules check, one row a column."""
    counts = pl.min_horizontal("rows_before", "rows_after"), pl.min_horizontal("values_before", "values_after")
    beyond = (pl.col("psi") - pl.col("noise")).clip(0.0)
    # A batch may come from another part of the day than the last: that is worth a note and no more.
    refusable = (counts[1] >= ENOUGH_ROWS) & (pl.col("column") != HOUR)
    return stability.with_columns(
        counts[0].alias("rows"),
        beyond.alias("shift"),
        pl.when(refusable).then(beyond).otherwise(0.0).alias("refusable_shift"),
        (pl.col("missing_after") - pl.col("missing_before")).alias("emptied"),
        pl.format("{} from {} to {}", "column", _percent("missing_before"), _percent("missing_after")).alias("missing"),
        pl.format("{} {}", "column", pl.col("psi").round(2)).alias("moved"),
    )


def batch_rules() -> list[Any]:
    """List the rules for each column of the batch."""
    enough, small = Column("rows") >= ENOUGH_TO_EMPTY, Column("refusable_shift") <= REFUSED
    return [
        between("emptied", "column_emptied", high=EMPTIED, row_condition=enough, seen="{missing}"),
        between("refusable_shift", "distribution_changed", high=REFUSED, seen="{moved}"),
        between("shift", "distribution_moved", high=NOTED, row_condition=small, severity="warning", seen="{moved}"),
    ]


def _percent(column: str) -> pl.Expr:
    return pl.format("{} %", (100 * pl.col(column)).round(1))
