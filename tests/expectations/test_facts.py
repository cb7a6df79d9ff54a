from typing import Any

import polars as pl
import pytest

from expectations.facts import count_orphans, count_repeated, share, types
from nightschool.columns import USERS

ROWS = pl.LazyFrame({"user_id": [1, 1, 2, None], "place": ["a", "a", "a", "a"]})


def test_repeats_are_the_rows_beyond_the_first_of_a_key() -> None:
    assert count_repeated(ROWS, "user_id", "place") == 1
    assert count_repeated(ROWS, "place") == 3
    assert count_repeated(ROWS.head(0), "place") == 0


def test_orphans_are_distinct_ids_and_a_missing_one_is_none() -> None:
    rows = pl.LazyFrame({"user_id": [1, 7, 7, 8, None]})
    assert count_orphans(rows, pl.LazyFrame({"user_id": [1, 2]}), "user_id") == 2
    assert count_orphans(rows, None, "user_id") == 0


def test_ids_may_be_numbers_or_text_and_nothing_else() -> None:
    when = pl.Series("available_at", [None], pl.Datetime("us", "UTC"))
    for ids, wrong in (([1], ""), (["a"], ""), ([1.5], "user_id")):
        assert types(USERS, pl.LazyFrame({"user_id": ids, "available_at": when}))["columns"].item() == wrong


def test_columns_of_a_dataset_have_the_type_they_have() -> None:
    assert types(USERS, pl.LazyFrame({"user_id": [1], "skills": [["a"]]}))["wrong_types"].item() == 0


@pytest.mark.parametrize(("part", "whole", "expected"), [(1, 4, 0.25), (0, 0, 0.0)])
def test_share(part: float, whole: float, expected: Any) -> None:
    assert share(part, whole) == expected
