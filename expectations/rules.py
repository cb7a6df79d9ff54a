"""The two kinds of rules that every suite is written in, each with its reason code."""

from datetime import datetime
from typing import Any, Final

from expectations.engine import gxe

Bound = float | datetime | None
_TOLD: Final = ("seen", "measured")


def filled(column: str, reason: str) -> Any:
    """Build the rule that no value is missing."""
    return gxe.ExpectColumnValuesToNotBeNull(column=column, meta={"reason": reason})


def between(column: str, reason: str, low: Bound = None, high: Bound = None, **more: Any) -> Any:
    """Build the rule that every value present lies between the bounds, both included; None: no bound.

    Args:
        column: A column or a measure.
        reason: The reason code of rows that break the rule.
        low: The least value.
        high: The largest value.
        more: `seen`, the text about a broken row, with its columns in braces; `measured`, the column that a measure is
            of; anything else is a setting of Great Expectations, such as severity="warning".
    """
    meta: dict[str, str] = {"reason": reason, **{name: more.pop(name) for name in _TOLD if name in more}}
    return gxe.ExpectColumnValuesToBeBetween(column=column, min_value=low, max_value=high, meta=meta, **more)
