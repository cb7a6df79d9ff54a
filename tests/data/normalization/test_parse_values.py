from datetime import UTC, date, datetime, timedelta, timezone

import polars as pl
import pytest

from nightschool.columns import INSTANT
from nightschool.data.manifest.sections import Origins, Time
from nightschool.data.normalization.parse_values import to_flags, to_instants, to_lists, to_numbers, to_text


def texts(*values: str | None) -> pl.Series:
    return pl.Series(values, dtype=pl.String)


def at(unit: str, origin: str | None = None) -> Time:
    return Time(column="at", unit=unit, origin=origin)


def test_empty_text_is_missing():
    assert to_text(texts("a", "", None)).to_list() == ["a", None, None]
    assert to_text(pl.Series([1, None])).to_list() == ["1", None]


def test_numbers_are_finite():
    assert to_numbers(texts("1", "-2.5e3", "nan", "inf", "x", None)).to_list() == [1.0, -2500.0, None, None, None, None]


def test_numbers_have_the_marks_that_the_manifest_names():
    written = texts("4,5", "1.000,50", "-12.345.678", "4.5", "1.00", "7", "1.2345", None)
    assert to_numbers(written, ",", ".").to_list() == [4.5, 1000.5, -12345678.0, None, None, 7.0, None, None]
    assert to_numbers(texts("4,5", "4.5"), ",").to_list() == [4.5, None]
    assert to_numbers(texts("1,000.5", "1 000", "4.5"), ".", ",").to_list() == [1000.5, None, 4.5]


def test_flags_are_yes_or_no():
    flags = to_flags(texts("true", "YES", "1", "False", "no", "0", "maybe", None))
    assert flags.to_list() == [True, True, True, False, False, False, None, None]


def test_iso_times_with_and_without_zone():
    noon = datetime(2024, 5, 1, 12, tzinfo=UTC)
    written = texts(
        "2024-05-01T12:00:00Z", "2024-05-01 14:00:00+02:00", "2024-05-01T12:00:00", "2024-05-01 12:00:00", "2024-05-01"
    )
    assert to_instants(written, at("iso")).to_list() == [noon, noon, noon, noon, noon - timedelta(hours=12)]


def test_iso_fractions_are_kept_and_nonsense_is_not():
    instants = to_instants(texts("2024-05-01T12:00:00.25Z", "1.5.2024", "2024-13-01", None), at("iso"))
    assert instants.to_list() == [datetime(2024, 5, 1, 12, 0, 0, 250_000, UTC), None, None, None]


@pytest.mark.parametrize(("unit", "written"), [("s", "881250949"), ("ms", "881250949000"), ("us", "881250949000000")])
def test_counts_are_since_1970(unit, written):
    assert to_instants(texts(written), at(unit)).to_list() == [datetime(1997, 12, 4, 15, 55, 49, tzinfo=UTC)]


def test_days_count_from_their_origin():
    days = to_instants(texts("0", "-1", "1.5"), at("days", "2014-02-01"))
    first = datetime(2014, 2, 1, tzinfo=UTC)
    assert days.to_list() == [first, first - timedelta(days=1), first + timedelta(days=1.5)]


def test_days_count_from_the_origin_that_each_row_names():
    origins = Origins(column="term", dates={"B": date(2014, 2, 1), "J": date(2014, 10, 1)})
    how = Time(column="at", unit="days", origin=origins)
    days = to_instants(texts("0", "-1", "2", "soon", "3"), how, texts("B", "J", "C", "B", None))
    assert days.to_list() == [datetime(2014, 2, 1, tzinfo=UTC), datetime(2014, 9, 30, tzinfo=UTC), None, None, None]


def test_counts_beyond_any_calendar_mean_nothing():
    assert to_instants(texts("1e300", "-1e300", "inf", "soon"), at("s")).to_list() == [None] * 4


def test_typed_times_are_taken_as_such():
    zone = timezone(timedelta(hours=2))
    assert to_instants(pl.Series([datetime(2024, 5, 1, 14, tzinfo=zone)]), at("iso"))[0].hour == 12
    assert to_instants(pl.Series([datetime(2024, 5, 1, 14)]), at("iso"))[0] == datetime(2024, 5, 1, 14, tzinfo=UTC)
    assert to_instants(pl.Series([date(2024, 5, 1)]), at("s"))[0] == datetime(2024, 5, 1, tzinfo=UTC)


def test_instants_have_the_tables_dtype():
    for values in (texts(), texts("2024-05-01"), pl.Series([date(2024, 5, 1)]), pl.Series([], dtype=pl.Datetime("ns"))):
        assert to_instants(values, at("iso")).dtype == INSTANT
    assert to_instants(pl.Series([5]), at("ms")).dtype == INSTANT


def test_lists_come_from_separated_text_lists_or_json():
    assert to_lists(texts("a| b|", "", None), "|").to_list() == [["a", "b"], [], []]
    assert to_lists(pl.Series([["a", " b"], None]), "").to_list() == [["a", "b"], []]
    assert to_lists(texts('["a", "b, c"]', "[]", None, "a"), "").to_list() == [["a", "b, c"], [], [], None]


@pytest.mark.parametrize("text", ['[["a"]]', '[{"a": 1}]', "[" + "9" * 40 + "]", '["a"', "[1e400]", '["\\ud800"]'])
def test_json_that_is_no_list_of_labels_is_null(text):
    assert to_lists(pl.Series([text, '["b"]']), "").to_list() == [None, ["b"]]


def test_list_of_lists_is_null():
    assert to_lists(pl.Series([[["a"]]]), "").to_list() == [None]


def test_brackets_inside_labels_are_labels():
    assert to_lists(pl.Series(['["[a]", "{b}", "\\"[c"]']), "").to_list() == [["[a]", "{b}", '"[c']]


def test_lists_and_structs_as_text_are_json():
    assert to_text(pl.Series([[1, None], None])).to_list() == ["[1,null]", None]
    assert to_text(pl.Series([{"a": 'x"'}, None])).to_list() == ['{"a":"x\\""}', None]
