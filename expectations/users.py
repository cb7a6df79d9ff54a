"""Rules for users."""

from collections.abc import Mapping
from typing import Any, Final

import polars as pl

from expectations.facts import ROWS, Known, count_repeated, one_row
from expectations.rules import between, filled
from expectations.text import id_measures, id_rules
from nightschool.columns import AVAILABLE_AT, USER_ID, USERS
from nightschool.data.normalization.limits import Limits

TABLE: Final = USERS


def measures() -> Mapping[str, pl.Expr]:
    """Map the measures that row rules check, besides the columns themselves, to their expressions."""
    return id_measures(USER_ID)


def row_rules(_: Limits) -> list[Any]:
    """List the rules for single rows; the first one that a row breaks gives the reason."""
    return [filled(USER_ID, "missing_user"), *id_rules(USER_ID)]


def facts(frame: pl.LazyFrame, _: Known) -> pl.DataFrame:
    """Compute the figures that the batch rules check, in one row."""
    n_rows = frame.select(pl.len()).collect().item()
    return one_row({ROWS: n_rows, "repeated": count_repeated(frame, USER_ID, AVAILABLE_AT)})


def batch_rules() -> list[Any]:
    """List the rules for the rows as a whole."""
    return [between("repeated", "duplicate_id", high=0, seen="{repeated} of {rows} rows")]
