import polars as pl
import pytest

from expectations.validation import check_batch, check_rows
from nightschool.columns import ITEMS
from tests.expectations.suites import LIMITS, MONDAY, TUESDAY, broken, frame_of, report_on, tried

GOOD = {
    "item_id": ["1", "1", "2"],
    "title": ["עברית 🎓", None, "two\tlines\r\n"],
    "text": ["=1+1", "", "x" * 100_000],
    "available_at": [MONDAY, TUESDAY, MONDAY],
}
BROKEN = {
    "missing_item": {**GOOD, "item_id": ["1", "1", None]},
    "id_too_long": {**GOOD, "item_id": ["1", "1", "2" * 10_000]},
    "control_character_in_id": {**GOOD, "item_id": ["1", "1", "2\t"]},
    "text_too_long": {**GOOD, "text": ["x" * 100_001, None, None]},
    "control_character_in_text": {**GOOD, "title": ["\x1b[31mred", None, None]},
    "duplicate_id": {**GOOD, "available_at": [MONDAY, MONDAY, MONDAY]},
    "wrong_encoding": {**GOOD, "title": ["caf\ufffd", "caf\x92", None]},
    "some_wrong_encoding": {
        "item_id": [str(number) for number in range(10)],
        "title": [*["Café"] * 8, "Caf\ufffd", "Caf\ufffd"],
        "available_at": [MONDAY] * 10,
    },
}


def test_good_items_break_nothing() -> None:
    assert broken(report_on(ITEMS, GOOD)) == set()


@pytest.mark.parametrize("reason", BROKEN)
def test_each_rule_is_broken_alone(reason: str) -> None:
    assert broken(report_on(ITEMS, BROKEN[reason])) == {reason}


def test_a_column_of_another_type_is_told_alone() -> None:
    frame = frame_of(ITEMS, GOOD).with_columns(title=pl.lit(7))
    assert broken(check_batch("items", frame, LIMITS)) == {"wrong_type"}


def test_rows_of_what_was_withdrawn_break_nothing() -> None:
    frame = frame_of(ITEMS, {**GOOD, "title": ["x", None, "x"], "text": [None] * 3})
    withdrawn = pl.Series("withdrawn", [None, True, False])
    report = check_batch("items", frame.with_columns(withdrawn), LIMITS)
    assert (broken(report), report.warnings) == (set(), ())
    assert broken(check_batch("items", frame.with_columns(withdrawn=pl.lit("yes")), LIMITS)) == {"wrong_type"}


def test_every_rule_is_tried() -> None:
    assert tried(report_on(ITEMS, GOOD)) == {*BROKEN, "wrong_type"}


def test_few_misread_titles_are_a_warning_that_says_how_many() -> None:
    report = report_on(ITEMS, BROKEN["some_wrong_encoding"])
    assert report.passed
    assert report.warnings == ("items: some_wrong_encoding (2 of 10 items)",)


def test_finding_shows_the_value_and_not_its_length() -> None:
    found = check_rows("items", frame_of(ITEMS, BROKEN["id_too_long"]), LIMITS)
    assert found.rows() == [(2, "id_too_long", "2" * 100)]
