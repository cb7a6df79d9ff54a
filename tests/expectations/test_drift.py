from typing import Any

import polars as pl
import pytest

from expectations.validation import check_drift
from nightschool.data.normalization.profile import HOUR
from tests.expectations.suites import broken, tried

GOOD = {
    "column": "rating",
    "psi": 0.26,
    "noise": 0.02,
    "rows_before": 1_000,
    "rows_after": 2_000,
    "values_before": 1_000,
    "values_after": 2_000,
    "missing_before": 0.4,
    "missing_after": 0.9,
}
BROKEN = {
    "column_emptied": {"missing_before": 0.3},
    "distribution_changed": {"psi": 2.03},
    "distribution_moved": {"psi": 0.28},
}


def report_on(*columns: dict):
    return check_drift("interactions", pl.DataFrame([{**GOOD, **column} for column in columns]))


def test_a_batch_like_the_last_breaks_nothing() -> None:
    assert broken(report_on({}, {"column": "event"})) == set()


@pytest.mark.parametrize("reason", BROKEN)
def test_each_rule_is_broken_alone(reason: str) -> None:
    report = report_on({"column": "event"}, BROKEN[reason])
    assert broken(report) == {reason}
    assert report.passed == (reason == "distribution_moved")


def test_every_rule_is_tried() -> None:
    assert tried(report_on({})) == set(BROKEN)


def test_report_names_the_columns_and_how_far_they_moved() -> None:
    report = report_on({"psi": 3.456}, {"column": "event", "psi": 0.5}, {"column": "liked", "missing_before": 0.0})
    with pytest.raises(Exception, match=r"column_emptied \(liked from 0\.0 % to 90\.0 %\).*changed \(rating 3\.46\)"):
        report.raise_if_failed()
    assert report.warnings == ("interactions: distribution_moved (event 0.5)",)


@pytest.mark.parametrize("few", [{"values_before": 999}, {"values_after": 999}])
def test_few_values_refuse_nothing_however_far_they_moved(few: dict[str, Any]) -> None:
    report = report_on({"psi": 9.0, **few})
    assert broken(report) == {"distribution_moved"}
    assert report.passed


def test_few_rows_may_all_lack_a_value() -> None:
    assert broken(report_on({"missing_before": 0.0, "rows_after": 99})) == set()


def test_another_part_of_the_day_is_a_note() -> None:
    assert broken(report_on({"column": HOUR, "psi": 9.0})) == {"distribution_moved"}


def test_shift_within_the_noise_of_small_batches_is_none() -> None:
    assert broken(report_on({"psi": 0.6, "noise": 0.4})) == set()
