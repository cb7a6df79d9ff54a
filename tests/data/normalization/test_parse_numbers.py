import polars as pl
import pytest

from nightschool.data.normalization.parse_numbers import to_quantities, with_points
from nightschool.data.readers.delimited import Csv

NUMBERS = {
    "4.9stars": 4.9,
    "10,438": 10438.0,
    "1,234 reviews": 1234.0,
    "1,234,567.5": 1234567.5,
    "about 12": 12.0,
    "$12": 12.0,
    "95%": 95.0,
    "-3.5": -3.5,
    "1e3": 1000.0,
}
NO_NUMBERS = ["none", "4,5", "4.9 out of 5", "12,34", "3 to 4", "level-5", "v2", "nan", "inf"]


def test_the_one_number_in_a_text_is_found():
    assert to_quantities(pl.Series(list(NUMBERS)), "number").to_list() == list(NUMBERS.values())


@pytest.mark.parametrize("text", NO_NUMBERS)
def test_number_that_cannot_be_told_is_null(text):
    assert to_quantities(pl.Series([text, None]), "number").to_list() == [None, None]


WEEK = 7 * 24.0
MONTH = 365.25 * 24 / 12
HOURS = {
    "20 hours": 20.0,
    "Approx. 20 hours to complete": 20.0,
    "3 weeks": 3 * WEEK,
    "Approximately 6 months to complete": 6 * MONTH,
    "6 \n   months to complete ": 6 * MONTH,
    "Estimated timeApprox. 2 Weeks": 2 * WEEK,
    "4 - 6 Weeks to complete": 5 * WEEK,
    "4–6 weeks": 5 * WEEK,
    "2.5 hours ": 2.5,
    "30 minutes": 0.5,
    "1h 30m": 1.5,
    "1 hr": 1.0,
    "1 horas": 1.0,
    "2 weeks, 3 days": 2 * WEEK + 72,
    "1 year": 12 * MONTH,
    "90 seconds": 0.025,
    "3 weeks at 5 hours a week": 15.0,
    "3 weeks, 5 hours per week": 15.0,
}
NO_HOURS = ["Flexible schedule", "Estimated timeApprox. undefined undefined", "3 modules", "90", "5 hours a week"]


def test_durations_in_words_become_hours():
    assert to_quantities(pl.Series(list(HOURS)), "hours").to_list() == pytest.approx(list(HOURS.values()))


@pytest.mark.parametrize("text", NO_HOURS)
def test_duration_that_tells_no_time_is_null(text):
    assert to_quantities(pl.Series([text, None]), "hours").to_list() == [None, None]


def test_frames_without_rows_are_no_trouble():
    for how in ("number", "hours"):
        found = to_quantities(pl.Series([], dtype=pl.String), how)
        assert (found.dtype, len(found)) == (pl.Float64(), 0)


def test_numbers_in_texts_have_the_marks_of_their_file():
    prices = pl.Series(["1.000,50 €", "1.234.567 €", "9,99", "free"])
    plain = with_points(prices, *Csv(decimal=",", thousands=".").number_marks)
    assert to_quantities(plain, "number").to_list() == [1000.5, 1234567.0, 9.99, None]
    assert with_points(prices, *Csv().number_marks).to_list() == prices.to_list()
