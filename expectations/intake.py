"""What holds of the rows that arrive together for a table, judged by their reasons: no reason, and a row is good."""

from typing import Any, Final

from expectations.engine import gxe
from nightschool.columns import REASON

TOLERATED_SHARE: Final = 0.2
TOLERATED_ROWS: Final = 10
"""So few bad rows are quarantined whatever their share: three rows that arrive late must not stop a night."""


def batch_rules(n_rows: int) -> list[Any]:
    """What n arriving rows must satisfy together."""
    tolerated = max(TOLERATED_SHARE * n_rows, TOLERATED_ROWS)
    good = max(0.0, 1.0 - tolerated / max(n_rows, 1))
    return [
        gxe.ExpectTableRowCountToBeBetween(min_value=1, meta={"reason": "no_rows"}),
        gxe.ExpectColumnValuesToBeNull(column=REASON, mostly=good, meta={"reason": "too_many_bad_rows"}),
    ]
