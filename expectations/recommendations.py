"""Rules for a release's lists."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import polars as pl

from expectations.facts import ROWS, Known, count_repeated, one_row
from expectations.rules import between, filled
from nightschool.columns import ITEM_ID, RANK, RECOMMENDATIONS, SCORE, USER_ID
from nightschool.data.normalization.limits import Limits

TABLE: Final = RECOMMENDATIONS
_LARGEST: Final = float(np.finfo(np.float32).max)


def measures() -> Mapping[str, pl.Expr]:
    """Map the measures that row rules check, besides the columns themselves, to their expressions."""
    return {}


def row_rules(_: Limits) -> list[Any]:
    """List the rules for single rows; the first one that a row breaks gives the reason."""
    return [
        filled(USER_ID, "missing_user"),
        filled(ITEM_ID, "missing_item"),
        filled(RANK, "missing_rank"),
        between(RANK, "rank_below_one", low=1),
        # pandas knows no difference between NaN and a missing value: this rule finds both.
        filled(SCORE, "missing_score"),
        between(SCORE, "infinite_score", low=-_LARGEST, high=_LARGEST),
    ]


def facts(frame: pl.LazyFrame, _: Known) -> pl.DataFrame:
    """Compute the figures that the batch rules check, in one row."""
    return one_row(
        {
            ROWS: frame.select(pl.len()).collect().item(),
            "repeated_ranks": count_repeated(frame, USER_ID, RANK),
            "repeated_items": count_repeated(frame, USER_ID, ITEM_ID),
        }
    )


def batch_rules() -> list[Any]:
    """List the rules for the rows as a whole."""
    return [
        between(ROWS, "no_rows", low=1, seen="{rows} rows"),
        between("repeated_ranks", "duplicate_rank", high=0, seen="{repeated_ranks} of {rows} rows"),
        between("repeated_items", "duplicate_item", high=0, seen="{repeated_items} of {rows} rows"),
    ]
