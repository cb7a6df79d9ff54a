"""What holds of the rows that arrive together for a table, judged by how many they are."""

from typing import Any, Final

import polars as pl

from expectations.facts import ROWS, one_row
from expectations.rules import between

TOLERATED_SHARE: Final = 0.2
LOST_SHARE: Final = 0.5
TOLERATED_ROWS: Final = 10
"""So few bad or lost rows are no reason whatever their share: three rows that arrive late must not stop a night."""


def facts(n_rows: int, n_bad: int, n_before: int | None) -> pl.DataFrame:
    """One row of what the rules look at."""
    before = n_rows if n_before is None else n_before
    return one_row(
        {
            ROWS: n_rows,
            "bad": n_bad,
            "bad_beyond": n_bad - max(int(TOLERATED_SHARE * n_rows), TOLERATED_ROWS),
            "before": before,
            "lost_beyond": before - n_rows - max(int(LOST_SHARE * before), TOLERATED_ROWS),
        }
    )


def batch_rules() -> list[Any]:
    """What the rows must satisfy together."""
    return [
        between(ROWS, "no_rows", low=1, seen="{rows} rows"),
        between("bad_beyond", "too_many_bad_rows", high=0, seen="{bad} of {rows} rows"),
        between("lost_beyond", "shrunk", high=0, seen="{rows} rows where there were {before}"),
    ]
