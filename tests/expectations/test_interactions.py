from datetime import UTC, datetime

import polars as pl
import pytest

from expectations.validation import check_batch, check_rows
from nightschool.data.limits import Limits

LIMITS = Limits(datetime(2026, 1, 1, tzinfo=UTC), rating=(1, 5))
THEN = datetime(2024, 1, 1, tzinfo=UTC)

GOOD = {
    "user_id": [1, 2, 3],
    "item_id": ["a", "b", "c"],
    "timestamp": [THEN, None, LIMITS.latest],
    "duration_seconds": [0.0, None, 1e9],
    "rating": [1.0, None, 5.0],
    "source_file": ["f", "f", "g"],
    "source_row": [1, 2, 1],
}
BROKEN = {
    "missing_user": {**GOOD, "user_id": [1, None, 3]},
    "missing_item": {**GOOD, "item_id": ["a", None, "c"]},
    "timestamp_too_early": {**GOOD, "timestamp": [THEN, datetime(1970, 1, 1, tzinfo=UTC), None]},
    "timestamp_in_future": {**GOOD, "timestamp": [THEN, datetime(2026, 1, 1, 0, 0, 1, tzinfo=UTC), None]},
    "negative_duration": {**GOOD, "duration_seconds": [0.0, -0.5, None]},
    "rating_out_of_range": {**GOOD, "rating": [1.0, 5.5, None]},
    "read_twice": {**GOOD, "source_row": [1, 1, 1]},
}


def broken_by(columns: dict) -> set[str]:
    report = check_batch("interactions", pl.DataFrame(columns), LIMITS)
    return {outcome.reason for outcome in report.outcomes if not outcome.passed}


def test_good_interactions_break_nothing():
    assert broken_by(GOOD) == set()


@pytest.mark.parametrize("reason", BROKEN)
def test_each_rule_is_broken_alone(reason):
    assert broken_by(BROKEN[reason]) == {reason}


def test_every_rule_is_tried():
    report = check_batch("interactions", pl.DataFrame(GOOD), LIMITS)
    assert {outcome.reason for outcome in report.outcomes} == set(BROKEN)


@pytest.mark.parametrize("reason", [reason for reason in BROKEN if reason != "read_twice"])
def test_row_rules_name_the_row(reason):
    found = check_rows("interactions", pl.DataFrame(BROKEN[reason]), LIMITS)
    assert found.select("row_number", "reason").rows() == [(1, reason)]


def test_data_without_ratings_have_no_rating_rule():
    unrated = Limits(LIMITS.latest)
    assert check_rows("interactions", pl.DataFrame(BROKEN["rating_out_of_range"]), unrated).height == 0
