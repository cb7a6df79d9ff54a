from datetime import UTC, datetime

import polars as pl
import pytest

from expectations.validation import check_batch
from nightschool.data.limits import Limits

LIMITS = Limits(datetime(2026, 1, 1, tzinfo=UTC))
SCHEMA = {"user_id": pl.Int64, "item_id": pl.String, "rank": pl.Int32, "score": pl.Float32}

GOOD = {"user_id": [1, 1, 2], "item_id": ["a", "b", "a"], "rank": [1, 2, 1], "score": [0.5, -3e38, 0.0]}
BROKEN = {
    "missing_user": {**GOOD, "user_id": [1, 1, None]},
    "missing_item": {**GOOD, "item_id": ["a", None, "a"]},
    "missing_rank": {**GOOD, "rank": [1, None, 1]},
    "rank_below_one": {**GOOD, "rank": [1, 0, 1]},
    "missing_score": {**GOOD, "score": [0.5, float("nan"), 0.0]},
    "infinite_score": {**GOOD, "score": [0.5, float("-inf"), 0.0]},
    "no_rows": {name: [] for name in GOOD},
    "duplicate_rank": {**GOOD, "rank": [1, 1, 1]},
    "duplicate_item": {**GOOD, "item_id": ["a", "a", "a"]},
}


def broken_by(columns: dict) -> set[str]:
    report = check_batch("recommendations", pl.DataFrame(columns, schema=SCHEMA), LIMITS)
    return {outcome.reason for outcome in report.outcomes if not outcome.passed}


def test_good_lists_break_nothing():
    assert broken_by(GOOD) == set()


@pytest.mark.parametrize("reason", BROKEN)
def test_each_rule_is_broken_alone(reason):
    assert broken_by(BROKEN[reason]) == {reason}


def test_every_rule_is_tried():
    report = check_batch("recommendations", pl.DataFrame(GOOD, schema=SCHEMA), LIMITS)
    assert {outcome.reason for outcome in report.outcomes} == set(BROKEN)
