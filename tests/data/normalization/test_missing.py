import polars as pl

from nightschool.data.normalization.missing import (
    MISSING,
    MISSING_LABELS,
    read_leniently,
    without_blanks,
    without_missing,
)
from nightschool.data.normalization.parse_values import to_numbers


def texts(*values: str | None) -> pl.Series:
    return pl.Series(values, dtype=pl.String)


def test_exports_write_missing_values_in_several_ways():
    words = ("NULL", "null", "Null", "None", "NONE", "NaN", "nan", "N/A", "n/a", "NA", "\\N", "-", "<NA>", "#N/A")
    assert without_missing(texts(*words, None), MISSING).null_count() == len(words) + 1
    others = ("Nan Goldin", "na", "Nadia", "0", "--")
    assert without_missing(texts(*others), MISSING).to_list() == list(others)


def test_a_label_may_be_none():
    assert without_missing(texts("None", "-", "NULL", "\\N"), MISSING_LABELS).to_list() == ["None", "-", None, None]


def test_blanks_and_byte_order_marks_are_cut_off():
    assert without_blanks(texts(" a b\u00a0", "\ufeffa\t", "a", " ", None)).to_list() == ["a b", "a", "a", None, None]


def test_what_cannot_be_read_is_tried_without_blanks_and_may_be_missing():
    written = texts("4", " 4.5 ", "NULL", "great", None)
    values, given = read_leniently(written, to_numbers)
    assert values.to_list() == [4.0, 4.5, None, None, None]
    assert given.to_list() == ["4", "4.5", None, "great", None]
    assert written.to_list() == ["4", " 4.5 ", "NULL", "great", None]
