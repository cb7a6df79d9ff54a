from datetime import UTC, datetime
from typing import Any

import polars as pl
import pytest

from expectations.facts import Known
from expectations.validation import check_batch, check_rows
from nightschool.columns import INTERACTIONS
from nightschool.data.normalization.limits import Limits
from tests.expectations.suites import LIMITS, MONDAY, broken, frame_of, report_on, tried

DECLARED = Known(
    users=pl.LazyFrame({"user_id": ["1", "2", "3"]}),
    items=pl.LazyFrame({"item_id": ["a", "b", "c"]}),
    taken_in=6,
    held=3,
)
GOOD = {
    "event_id": ["e1", None, None],
    "user_id": ["1", "2", "3"],
    "item_id": ["a", "b", "c"],
    "timestamp": [MONDAY, None, LIMITS.latest],
    "duration_seconds": [0.0, None, 366 * 86400.0],
    "rating": [1.0, None, 5.0],
    "source_file": ["f", "f", "g"],
    "source_row": [1, 2, 1],
}


def at(*instant: int) -> dict[str, Any]:
    return {**GOOD, "timestamp": [MONDAY, datetime(*instant, tzinfo=UTC), None]}


BAD_ROWS = {
    "missing_user": {**GOOD, "user_id": ["1", None, "3"]},
    "missing_item": {**GOOD, "item_id": ["a", None, "c"]},
    "id_too_long": {**GOOD, "event_id": ["e" * 512, "e" * 513, None]},
    "control_character_in_id": {**GOOD, "event_id": ["e1", "e\x1b2", None]},
    "timestamp_too_early": at(1969, 12, 30, 23, 59, 59),
    "epoch_zero": at(1970, 1, 1),
    "wrong_time_unit": at(1970, 1, 20, 16, 33, 20),
    "timestamp_in_future": at(2026, 1, 1, 0, 0, 1),
    "negative_duration": {**GOOD, "duration_seconds": [0.0, -0.5, None]},
    "duration_too_long": {**GOOD, "duration_seconds": [0.0, 366 * 86401.0, None]},
    "rating_out_of_range": {**GOOD, "rating": [1.0, 5.5, None]},
}
BARE = dict.fromkeys(("event_id", "timestamp", "event", "duration_seconds", "liked", "rating"), [None] * 3)
PAIRS = {**GOOD, **BARE, "user_id": ["1"] * 3, "item_id": ["a"] * 3}
FEW_PAIRS = {"user_id": ["1"] * 3, "item_id": ["a", "b", "b"], "source_file": ["f"] * 3, "source_row": [1, 2, 3]}
BAD_BATCHES = {
    "no_rows": {name: [] for name in GOOD},
    "read_twice": {**GOOD, "source_row": [1, 1, 1]},
    "repeated_pairs": PAIRS,
    "some_repeated_pairs": FEW_PAIRS,
}
BAD_BESIDE_OTHERS = {
    "unknown_user": Known(users=pl.LazyFrame({"user_id": ["1", "2"]})),
    "unknown_item": Known(items=pl.LazyFrame({"item_id": ["a", "b"]})),
    "rows_lost": Known(taken_in=7, held=3),
}


def test_good_interactions_break_nothing() -> None:
    assert broken(report_on(INTERACTIONS, GOOD, DECLARED)) == set()


@pytest.mark.parametrize("reason", BAD_ROWS | BAD_BATCHES)
def test_each_rule_is_broken_alone(reason: str) -> None:
    assert broken(report_on(INTERACTIONS, (BAD_ROWS | BAD_BATCHES)[reason], DECLARED)) == {reason}


@pytest.mark.parametrize("reason", BAD_BESIDE_OTHERS)
def test_each_rule_about_other_tables_is_broken_alone(reason: str) -> None:
    assert broken(report_on(INTERACTIONS, GOOD, BAD_BESIDE_OTHERS[reason])) == {reason}


def test_a_column_of_another_type_is_told_before_anything_is_compared() -> None:
    frame = frame_of(INTERACTIONS, GOOD).with_columns(rating=pl.lit("four"))
    report = check_batch("interactions", frame, LIMITS, DECLARED)
    assert [(outcome.reason, outcome.observed) for outcome in report.outcomes] == [("wrong_type", "columns rating")]


def test_every_rule_is_tried() -> None:
    tested = {*BAD_ROWS, *BAD_BATCHES, *BAD_BESIDE_OTHERS, "wrong_type"}
    assert tried(report_on(INTERACTIONS, GOOD, DECLARED)) == tested


@pytest.mark.parametrize("reason", BAD_ROWS)
def test_row_rules_name_the_row(reason: str) -> None:
    found = check_rows("interactions", frame_of(INTERACTIONS, BAD_ROWS[reason]), LIMITS)
    assert found.select("row_number", "reason").rows() == [(1, reason)]


def test_data_without_ratings_have_no_rating_rule() -> None:
    frame = frame_of(INTERACTIONS, BAD_ROWS["rating_out_of_range"])
    assert check_rows("interactions", frame, Limits(LIMITS.latest)).is_empty()


def test_numbers_as_ids_have_neither_length_nor_characters() -> None:
    values = {**GOOD, "user_id": [1, 2, 3], "item_id": [10**18, 8, 9]}
    frame = frame_of(INTERACTIONS, values, pl.Int64(), pl.Int64())
    assert broken(check_batch("interactions", frame, LIMITS)) == set()


def test_one_of_two_pairs_that_repeat_is_a_list_delivered_twice() -> None:
    twice = {name: values[:2] for name, values in PAIRS.items()}
    report = report_on(INTERACTIONS, twice, DECLARED)
    assert "repeated_pairs (1 of 2 bare pairs)" in str(
        [f"{outcome.reason} ({outcome.observed})" for outcome in report.outcomes if not outcome.passed]
    )


@pytest.mark.parametrize(("column", "value"), [("timestamp", MONDAY), ("event", "view"), ("rating", 3.0)])
def test_events_that_repeat_a_pair_are_none(column: str, value: Any) -> None:
    values = {**PAIRS, column: [value] * 3}
    assert broken(report_on(INTERACTIONS, values, DECLARED)) == set()
