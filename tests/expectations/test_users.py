import polars as pl
import pytest

from expectations.validation import check_batch
from nightschool.columns import USERS
from tests.expectations.suites import LIMITS, MONDAY, TUESDAY, broken, frame_of, report_on, tried

GOOD = {"user_id": ["1", "1", "2"], "available_at": [MONDAY, TUESDAY, MONDAY]}
BROKEN = {
    "missing_user": {**GOOD, "user_id": ["1", "1", None]},
    "id_too_long": {**GOOD, "user_id": ["1", "1", "ü" * 513]},
    "control_character_in_id": {**GOOD, "user_id": ["1", "1", "2\n"]},
    "duplicate_id": {**GOOD, "available_at": [MONDAY, MONDAY, MONDAY]},
}


def test_good_users_break_nothing() -> None:
    assert broken(report_on(USERS, GOOD)) == set()


@pytest.mark.parametrize("reason", BROKEN)
def test_each_rule_is_broken_alone(reason: str) -> None:
    assert broken(report_on(USERS, BROKEN[reason])) == {reason}


def test_a_column_of_another_type_is_told_alone() -> None:
    frame = frame_of(USERS, GOOD).with_columns(available_at=pl.lit("today"))
    assert broken(check_batch("users", frame, LIMITS)) == {"wrong_type"}


def test_rows_of_what_was_withdrawn_break_nothing() -> None:
    frame = frame_of(USERS, GOOD)
    withdrawn = pl.Series("withdrawn", [None, True, False])
    report = check_batch("users", frame.with_columns(withdrawn), LIMITS)
    assert (broken(report), report.warnings) == (set(), ())
    assert broken(check_batch("users", frame.with_columns(withdrawn=pl.lit("yes")), LIMITS)) == {"wrong_type"}


def test_every_rule_is_tried() -> None:
    assert tried(report_on(USERS, GOOD)) == {*BROKEN, "wrong_type"}
