import polars as pl
import pytest

from expectations.validation import check_batch
from nightschool.columns import RECOMMENDATIONS
from tests.expectations.suites import LIMITS, broken, frame_of, report_on, tried

GOOD = {"user_id": ["1", "1", "2"], "item_id": ["a", "b", "a"], "rank": [1, 2, 1], "score": [0.5, -3e38, 0.0]}
BROKEN = {
    "missing_user": {**GOOD, "user_id": ["1", "1", None]},
    "missing_item": {**GOOD, "item_id": ["a", None, "a"]},
    "missing_rank": {**GOOD, "rank": [1, None, 1]},
    "rank_below_one": {**GOOD, "rank": [1, 0, 1]},
    "missing_score": {**GOOD, "score": [0.5, float("nan"), 0.0]},
    "infinite_score": {**GOOD, "score": [0.5, float("-inf"), 0.0]},
    "no_rows": {name: [] for name in GOOD},
    "duplicate_rank": {**GOOD, "rank": [1, 1, 1]},
    "duplicate_item": {**GOOD, "item_id": ["a", "a", "a"]},
}


def test_good_lists_break_nothing() -> None:
    assert broken(report_on(RECOMMENDATIONS, GOOD)) == set()


@pytest.mark.parametrize("reason", BROKEN)
def test_each_rule_is_broken_alone(reason: str) -> None:
    assert broken(report_on(RECOMMENDATIONS, BROKEN[reason])) == {reason}


def test_a_column_of_another_type_is_told_alone() -> None:
    frame = frame_of(RECOMMENDATIONS, GOOD).with_columns(pl.col("rank").cast(pl.Float64))
    assert broken(check_batch("recommendations", frame, LIMITS)) == {"wrong_type"}


def test_every_rule_is_tried() -> None:
    assert tried(report_on(RECOMMENDATIONS, GOOD)) == {*BROKEN, "wrong_type"}
