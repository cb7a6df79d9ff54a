import pytest

from expectations.validation import check_intake
from tests.expectations.suites import broken, tried


@pytest.mark.parametrize(("n_rows", "n_bad"), [(1, 0), (100, 20), (10, 10), (40, 10)])
def test_few_bad_rows_may_come_along(n_rows: int, n_bad: int) -> None:
    assert broken(check_intake("interactions", n_rows, n_bad)) == set()


@pytest.mark.parametrize(("n_rows", "n_bad"), [(100, 21), (11, 11), (41, 11)])
def test_more_than_a_fifth_and_more_than_ten_are_too_many(n_rows: int, n_bad: int) -> None:
    assert broken(check_intake("interactions", n_rows, n_bad)) == {"too_many_bad_rows"}


def test_no_rows_are_no_batch() -> None:
    assert broken(check_intake("interactions", 0, 0)) == {"no_rows"}


def test_every_rule_is_tried_and_says_what_it_saw() -> None:
    report = check_intake("users", 49, 11)
    assert tried(report) == {"no_rows", "too_many_bad_rows"}
    assert [outcome.observed for outcome in report.outcomes] == ["49 rows", "11 of 49 rows"]
