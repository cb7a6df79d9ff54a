"""Growth rules: a file that is read whole must not lose many rows since it was read last."""

from typing import Any, Final

import polars as pl

from expectations.facts import ROWS, one_row
from expectations.rules import between

TOLERATED_SHARE: Final = 0.5
TOLERATED_ROWS: Final = 10
"""So few lost rows are accepted whatever their share."""


def facts(before: int, now: int) -> pl.DataFrame:
    """Compute the figures that the rules check, in one row."""
    tolerated = max(int(TOLERATED_SHARE * before), TOLERATED_ROWS)
    return one_row({ROWS: now, "before": before, "lost_beyond": before - now - tolerated})


def batch_rules() -> list[Any]:
    """List the rules for the file."""
    return [between("lost_beyond", "shrunk", high=0, seen="{rows} rows where there were {before}")]
