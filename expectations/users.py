"""What holds of users."""

from typing import Any

from expectations.engine import gxe
from nightschool.columns import AVAILABLE_AT, USER_ID
from nightschool.data.limits import Limits


def row_rules(_: Limits) -> list[Any]:
    """What each row must satisfy by itself; the first rule broken gives the reason."""
    return [gxe.ExpectColumnValuesToNotBeNull(column=USER_ID, meta={"reason": "missing_user"})]


def batch_rules() -> list[Any]:
    """What the rows must satisfy together."""
    return [
        gxe.ExpectCompoundColumnsToBeUnique(column_list=[USER_ID, AVAILABLE_AT], meta={"reason": "duplicate_id"}),
    ]
