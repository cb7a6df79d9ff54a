from dataclasses import replace

import pytest

from expectations.report import RuleOutcome, SuiteReport
from nightschool.errors import DataRefused

BAD = RuleOutcome("rule(a)", "bad", "critical", False, "3 of 9 rows")
ODD = replace(BAD, reason="odd", severity="warning")
GOOD = replace(BAD, reason="good", passed=True)


def test_broken_rules_refuse_the_batch_and_are_named() -> None:
    report = SuiteReport("users", (GOOD, BAD, ODD))
    assert not report.passed
    with pytest.raises(DataRefused, match=r"for users breaks its rules: bad \(3 of 9 rows\); look") as error:
        report.raise_if_failed("look")
    assert error.value.exit_code == 3


def test_warnings_refuse_nothing() -> None:
    report = SuiteReport("users", (GOOD, ODD))
    report.raise_if_failed()
    assert report.passed
    assert report.warnings == ("users: odd (3 of 9 rows)",)


def test_reports_add_up() -> None:
    both = SuiteReport("users", (GOOD,), ("x",)) + SuiteReport("users", (BAD,), ("y",))
    assert (both.outcomes, both.results) == ((GOOD, BAD), ("x", "y"))
