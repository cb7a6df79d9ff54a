"""What holds of the rows that arrive together for a table, judged by how many of them are bad."""

from typing import Any, Final

from expectations.engine import gxe

ROWS: Final = "rows"
BAD_ROWS: Final = "bad_rows"
TOLERATED_SHARE: Final = 0.2
TOLERATED_ROWS: Final = 10
"""So few bad rows are quarantined whatever their share: three rows that arrive late must not stop a night."""


def batch_rules(n_rows: int) -> list[Any]:
    """What the counts of n arriving rows must satisfy."""
    tolerated = max(int(TOLERATED_SHARE * n_rows), TOLERATED_ROWS)
    return [
        gxe.ExpectColumnValuesToBeBetween(column=ROWS, min_value=1, meta={"reason": "no_rows"}),
        gxe.ExpectColumnValuesToBeBetween(column=BAD_ROWS, max_value=tolerated, meta={"reason": "too_many_bad_rows"}),
    ]
