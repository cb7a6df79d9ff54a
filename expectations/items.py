"""What holds of items."""

from typing import Any

from expectations.engine import gxe
from nightschool.columns import AVAILABLE_AT, ITEM_ID
from nightschool.data.limits import Limits


def row_rules(_: Limits) -> list[Any]:
    """What each row must satisfy by itself; the first rule broken gives the reason."""
    return [gxe.ExpectColumnValuesToNotBeNull(column=ITEM_ID, meta={"reason": "missing_item"})]


def batch_rules() -> list[Any]:
    """What the rows must satisfy together."""
    return [
        gxe.ExpectCompoundColumnsToBeUnique(column_list=[ITEM_ID, AVAILABLE_AT], meta={"reason": "duplicate_id"}),
    ]
