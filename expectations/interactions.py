"""What holds of interactions."""

from typing import Any

from expectations.engine import gxe
from nightschool.columns import DURATION, ITEM_ID, RATING, SOURCE_FILE, SOURCE_ROW, TIMESTAMP, USER_ID
from nightschool.data.limits import EARLIEST, Limits


def row_rules(limits: Limits) -> list[Any]:
    """What each row must satisfy by itself; the first rule broken gives the reason."""
    rules = [
        gxe.ExpectColumnValuesToNotBeNull(column=USER_ID, meta={"reason": "missing_user"}),
        gxe.ExpectColumnValuesToNotBeNull(column=ITEM_ID, meta={"reason": "missing_item"}),
        gxe.ExpectColumnValuesToBeBetween(column=TIMESTAMP, min_value=EARLIEST, meta={"reason": "timestamp_too_early"}),
        gxe.ExpectColumnValuesToBeBetween(
            column=TIMESTAMP, max_value=limits.latest, meta={"reason": "timestamp_in_future"}
        ),
        gxe.ExpectColumnValuesToBeBetween(column=DURATION, min_value=0.0, meta={"reason": "negative_duration"}),
    ]
    return [*rules, _on_the_scale(*limits.rating)] if limits.rating else rules


def batch_rules() -> list[Any]:
    """What the rows must satisfy together."""
    return [
        gxe.ExpectCompoundColumnsToBeUnique(column_list=[SOURCE_FILE, SOURCE_ROW], meta={"reason": "read_twice"}),
    ]


def _on_the_scale(lowest: float, highest: float) -> Any:
    return gxe.ExpectColumnValuesToBeBetween(
        column=RATING, min_value=lowest, max_value=highest, meta={"reason": "rating_out_of_range"}
    )
