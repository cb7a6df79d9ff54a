from datetime import UTC, datetime

import polars as pl
import pytest

from nightschool.data.manifest.sections import Time
from nightschool.data.normalization.parse_values import to_instants, unclear_times
from nightschool.data.readers.parse_instants import from_format, from_iso

NOON = datetime(2025, 1, 5, 12, 30, tzinfo=UTC)


def texts(*values: str | None) -> pl.Series:
    return pl.Series(values, dtype=pl.String)


def test_iso_times_are_read_in_every_form_that_programs_write():
    forms = [
        *("2025-01-05T12:30:00Z", "2025-01-05T12:30Z", "2025-01-05 12:30", "20250105T123000Z", "20250105T1230Z"),
        *("2025-01-05t12:30:00z", "2025-01-05 12:30:00 UTC", "2025-01-05 13:30:00 +0100", "2025-01-05T13:30:00+01"),
        *("2025-01-05T13:30:00+01:00[Europe/Berlin]", "2025-01-05T13:30[Europe/Berlin]", "2025-01-05T12:30Z[UTC]"),
        *("2025-01-05T11:30:00\u221201:00", "2025-01-05T12:30:00,000", "2025-01-05T12:30:00.000000000+00:00"),
        *("2025-01-05T08:00:00-0430", "2025-01-05 12:30:00 +0000 UTC", "20250105 12:30"),
    ]
    read = from_iso(texts(*forms)).to_list()
    assert {form: at for form, at in zip(forms, read, strict=True) if at != NOON} == {}


def test_iso_days_begin_at_midnight():
    days = texts("2025-01-05", "20250105", "2025-005", "2025-W01-7")
    assert from_iso(days).to_list() == [datetime(2025, 1, 5, tzinfo=UTC)] * 4


def test_fractions_are_kept_to_the_microsecond():
    read = from_iso(texts("2025-01-05T12:30:00,25", "20250105T123000.123456789Z", "2025-01-05T12:30:00.1234567+00"))
    assert [at.microsecond for at in read] == [250_000, 123_456, 123_456]


def test_what_names_no_instant_is_not_read():
    others = ["2025-01", "1736080200", "05.01.2025", "2025-13-01T10:00Z", "2025-01-05T25:00Z", "2025-01-05T12:30+25"]
    others += ["2025-01-05T12:30[Mars/Here]", "2025-01-05T", "Sun, 05 Jan 2025 12:30:00 GMT", "noon", ""]
    assert from_iso(texts(*others, None)).null_count() == len(others) + 1


def test_times_without_an_offset_are_those_of_the_zone():
    read = from_iso(texts("2025-07-05T12:00", "2025-07-05 12:00:00", "2025-07-05T12:00:00Z"), "Europe/Berlin")
    assert [at.hour for at in read] == [10, 10, 12]
    moments = pl.Series([datetime(2025, 7, 5, 12)])
    assert to_instants(moments, Time(column="at", unit="iso", timezone="Europe/Berlin"))[0].hour == 10


def test_a_format_spells_a_form_out():
    read = from_format(
        texts("5.1.2025 13:30", "05.01.2025 13:30", "2025-01-05", None), "%d.%m.%Y %H:%M", "Europe/Berlin"
    )
    assert read.to_list() == [NOON, NOON, None, None]
    assert from_format(texts("01/05/2025 12:30:00 PM"), "%m/%d/%Y %I:%M:%S %p").to_list() == [NOON]
    assert from_format(texts("05/01/2025 13:30 +0100"), "%d/%m/%Y %H:%M %z").to_list() == [NOON]
    assert from_format(texts("05.01.2025"), "%d.%m.%Y")[0] == datetime(2025, 1, 5, tzinfo=UTC)


def test_times_that_clocks_show_twice_or_never_are_read_by_the_offset_before():
    how = Time(column="at", format="%d.%m.%Y %H:%M", timezone="Europe/Berlin")
    written = texts("27.10.2024 02:30", "31.03.2024 02:30", "31.03.2024 03:30", "01.07.2024 02:30", None)
    read = to_instants(written, how)
    assert [at and (at.hour, at.minute) for at in read] == [(0, 30), (1, 30), (1, 30), (0, 30), None]
    assert unclear_times(written, how).to_list() == [True, True, False, False, False]
    iso = Time(column="at", unit="iso", timezone="Europe/Berlin")
    assert unclear_times(texts("2024-10-27T02:30:00Z", "2024-10-27T02:30:00"), iso).to_list() == [False, True]


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({}, "give a unit"),
        ({"unit": "iso", "format": "%Y"}, "give a unit"),
        ({"format": "%H:%M"}, "names no year"),
        ({"format": "%Y %H"}, "hour and minute|hours"),
        ({"unit": "s", "timezone": "Europe/Berlin"}, "counts have none"),
        ({"unit": "iso", "timezone": "Berlin"}, "not known"),
        ({"unit": "iso", "timezone": "../x"}, "not known"),
    ],
)
def test_a_time_is_described_in_one_way(keys, message):
    with pytest.raises(ValueError, match=message):
        Time(column="at", **keys)
