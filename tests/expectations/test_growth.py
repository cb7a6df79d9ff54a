import pytest

from expectations.validation import check_growth
from tests.expectations.suites import broken, tried


@pytest.mark.parametrize(("before", "now"), [(50, 100), (100, 50), (12, 2), (1, 1)])
def test_a_file_may_grow_and_lose_half(before: int, now: int) -> None:
    assert broken(check_growth("users", before, now)) == set()


@pytest.mark.parametrize(("before", "now"), [(100, 49), (12, 1)])
def test_a_file_that_lost_more_than_half_and_more_than_ten_rows_is_refused(before: int, now: int) -> None:
    assert broken(check_growth("users", before, now)) == {"shrunk"}


def test_every_rule_is_tried_and_says_what_it_saw() -> None:
    report = check_growth("users", 100, 49)
    assert tried(report) == {"shrunk"}
    assert [outcome.observed for outcome in report.outcomes] == ["49 rows where there were 100"]
