"""What holds of a release's lists."""

from typing import Any, Final

import numpy as np

from expectations.engine import gxe
from nightschool.columns import ITEM_ID, RANK, SCORE, USER_ID
from nightschool.data.limits import Limits

_LARGEST: Final = float(np.finfo(np.float32).max)


def row_rules(_: Limits) -> list[Any]:
    """What each row must satisfy by itself; the first rule broken gives the reason."""
    return [
        gxe.ExpectColumnValuesToNotBeNull(column=USER_ID, meta={"reason": "missing_user"}),
        gxe.ExpectColumnValuesToNotBeNull(column=ITEM_ID, meta={"reason": "missing_item"}),
        gxe.ExpectColumnValuesToNotBeNull(column=RANK, meta={"reason": "missing_rank"}),
        gxe.ExpectColumnValuesToBeBetween(column=RANK, min_value=1, meta={"reason": "rank_below_one"}),
        # pandas knows no difference between NaN and a missing value: this rule finds both.
        gxe.ExpectColumnValuesToNotBeNull(column=SCORE, meta={"reason": "missing_score"}),
        gxe.ExpectColumnValuesToBeBetween(
            column=SCORE, min_value=-_LARGEST, max_value=_LARGEST, meta={"reason": "infinite_score"}
        ),
    ]


def batch_rules() -> list[Any]:
    """What the rows must satisfy together."""
    return [
        gxe.ExpectTableRowCountToBeBetween(min_value=1, meta={"reason": "no_rows"}),
        gxe.ExpectCompoundColumnsToBeUnique(column_list=[USER_ID, RANK], meta={"reason": "duplicate_rank"}),
        gxe.ExpectCompoundColumnsToBeUnique(column_list=[USER_ID, ITEM_ID], meta={"reason": "duplicate_item"}),
    ]
