from typing import Any

import polars as pl
import pytest

from expectations import interactions
from expectations.rows import find_bad_rows, validate_rows
from nightschool.columns import INTERACTIONS
from tests.expectations.suites import LIMITS, MONDAY, TUESDAY, frame_of

MIXED = frame_of(
    INTERACTIONS,
    {
        "user_id": ["1", None, "3", "4\x00"],
        "item_id": ["a"] * 4,
        "rating": [9.0, 9.0, None, 4.0],
        "timestamp": [MONDAY, TUESDAY, None, None],
    },
)


def test_first_rule_broken_gives_the_reason() -> None:
    assert find_bad_rows(interactions, MIXED, LIMITS).rows() == [
        (1, "missing_user", None),
        (3, "control_character_in_id", "4\x00"),
        (0, "rating_out_of_range", "9.0"),
    ]


def test_extremes_stand_for_all_rows() -> None:
    """Row by row and all at once come to the same."""
    one_by_one = pl.concat(
        find_bad_rows(interactions, MIXED[row], LIMITS).with_columns(pl.lit(row).cast(pl.Int64).alias("row_number"))
        for row in range(MIXED.height)
    )
    assert one_by_one.equals(find_bad_rows(interactions, MIXED, LIMITS).sort("row_number"))


@pytest.mark.parametrize("value", [float("nan"), None])
def test_no_number_breaks_no_rule_about_numbers(value: Any) -> None:
    frame = MIXED.tail(1).with_columns(user_id=pl.lit("4"), rating=pl.lit(value, pl.Float64))
    assert find_bad_rows(interactions, frame, LIMITS).is_empty()


def test_frame_is_left_as_it_was() -> None:
    before = MIXED.clone()
    find_bad_rows(interactions, MIXED, LIMITS)
    assert MIXED.equals(before)


def test_counts_are_those_of_all_rows() -> None:
    judged = validate_rows(interactions, MIXED.lazy(), LIMITS, MIXED.height)
    counts = {result.expectation_config.meta["reason"]: count for result, count in judged if count}
    assert counts == {"missing_user": 1, "control_character_in_id": 1, "rating_out_of_range": 2}


def test_no_rows_break_no_rule() -> None:
    assert {count for _, count in validate_rows(interactions, MIXED.head(0).lazy(), LIMITS, 0)} == {0}
