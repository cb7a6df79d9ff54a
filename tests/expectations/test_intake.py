import polars as pl
import pytest

from expectations.validation import check_intake


def broken_by(n_good: int, n_bad: int) -> set[str]:
    reasons = pl.Series([None] * n_good + ["bad_rating"] * n_bad, dtype=pl.String)
    return {outcome.reason for outcome in check_intake("interactions", reasons).outcomes if not outcome.passed}


@pytest.mark.parametrize(("n_good", "n_bad"), [(1, 0), (80, 20), (0, 10), (30, 10)])
def test_few_bad_rows_may_come_along(n_good, n_bad):
    assert broken_by(n_good, n_bad) == set()


@pytest.mark.parametrize(("n_good", "n_bad"), [(79, 21), (0, 11), (30, 11)])
def test_more_than_a_fifth_and_more_than_ten_are_too_many(n_good, n_bad):
    assert broken_by(n_good, n_bad) == {"too_many_bad_rows"}


def test_no_rows_are_no_batch():
    assert broken_by(0, 0) == {"no_rows"}
