"""Intake rules: how many rows arrive together for a table, and how many of them are bad."""

from typing import Any, Final

import polars as pl

from expectations.facts import ROWS, one_row
from expectations.rules import between

TOLERATED_SHARE: Final = 0.2
TOLERATED_ROWS: Final = 10
"""So few bad rows are quarantined whatever their share: three rows that arrive late must not stop a night."""


def facts(n_rows: int, n_bad: int) -> pl.DataFrame:
    """Compute the figures that the rules check, in one row."""
    tolerated = max(int(TOLERATED_SHARE * n_rows), TOLERATED_ROWS)
    return one_row({ROWS: n_rows, "bad": n_bad, "bad_beyond": n_bad - tolerated})


def batch_rules() -> list[Any]:
    """List the rules for the rows as a whole."""
    return [
        between(ROWS, "no_rows", low=1, seen="{rows} rows"),
        between("bad_beyond", "too_many_bad_rows", high=0, seen="{bad} of {rows} rows"),
    ]
