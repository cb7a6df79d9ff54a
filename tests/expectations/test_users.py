from datetime import UTC, datetime

import polars as pl
import pytest

from expectations.validation import check_batch
from nightschool.data.limits import Limits

LIMITS = Limits(datetime(2026, 1, 1, tzinfo=UTC))
MONDAY, TUESDAY = datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 1, 2, tzinfo=UTC)

GOOD = {"user_id": [1, 1, 2], "available_at": [MONDAY, TUESDAY, MONDAY]}
BROKEN = {
    "missing_user": {**GOOD, "user_id": [1, 1, None]},
    "duplicate_id": {**GOOD, "available_at": [MONDAY, MONDAY, MONDAY]},
}


def broken_by(columns: dict) -> set[str]:
    report = check_batch("users", pl.DataFrame(columns), LIMITS)
    return {outcome.reason for outcome in report.outcomes if not outcome.passed}


def test_good_users_break_nothing():
    assert broken_by(GOOD) == set()


@pytest.mark.parametrize("reason", BROKEN)
def test_each_rule_is_broken_alone(reason):
    assert broken_by(BROKEN[reason]) == {reason}


def test_every_rule_is_tried():
    report = check_batch("users", pl.DataFrame(GOOD), LIMITS)
    assert {outcome.reason for outcome in report.outcomes} == set(BROKEN)
