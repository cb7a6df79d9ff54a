"""What holds of a file that is read whole beside how it was read last: it grows, or loses little."""

from typing import Any, Final

import polars as pl

from expectations.facts import ROWS, one_row
from expectations.rules import between

TOLERATED_SHARE: Final = 0.5
TOLERATED_ROWS: Final = 10
"""So few lost rows are no reason whatever their share."""


def facts(before: int, now: int) -> pl.DataFrame:
    """One row of what the rules look at."""
    tolerated = max(int(TOLERATED_SHARE * before), TOLERATED_ROWS)
    return one_row({ROWS: now, "before": before, "lost_beyond": before - now - tolerated})


def batch_rules() -> list[Any]:
    """What the file must satisfy."""
    return [between("lost_beyond", "shrunk", high=0, seen="{rows} rows where there were {before}")]
