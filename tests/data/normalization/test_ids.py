import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightschool.data.normalization.ids import are_nested, choose_dtype, read_ids, to_ids

WHOLE, TEXT = pl.Int64(), pl.String()


def texts(*values: str | None) -> pl.Series:
    return pl.Series(values, dtype=pl.String)


def test_number_ids_are_those_written_plainly():
    ids = texts("1", "-3", "0", "007", "+7", " 7", "99999999999999999999", "x", None)
    assert to_ids(ids, WHOLE).to_list() == [1, -3, 0, *[None] * 6]
    assert to_ids(ids, TEXT).to_list() == ids.to_list()


@given(st.integers(-(2**63), 2**63 - 1))
def test_every_whole_number_survives_as_an_id(number):
    assert to_ids(texts(str(number)), WHOLE).to_list() == [number]


def test_whole_numbers_that_went_through_a_double_are_themselves_while_it_holds_them():
    ids = texts("7.0", "-3.00", "9007199254740992.0", "9007199254740994.0", "7.5", "7.", ".0", "07.0")
    assert to_ids(ids, WHOLE).to_list() == [7, -3, 2**53, *[None] * 5]


@pytest.mark.parametrize("dtype", [WHOLE, TEXT])
def test_words_for_no_value_are_missing_ids(dtype):
    words = [
        "NULL",
        "null",
        "Null",
        "None",
        "none",
        "NaN",
        "nan",
        "N/A",
        "n/a",
        "NA",
        "\\N",
        "-",
        "(null)",
        " NULL ",
        " ",
    ]
    read = read_ids(texts(*words, None), dtype)
    assert read.values.null_count() == read.given.null_count() == len(words) + 1
    assert not read.mangled.any()


def test_blanks_around_ids_are_cut_off():
    written = texts(" 7", "7 ", "\u00a07\u00a0", "\ufeff7", "\t7\r")
    assert read_ids(written, WHOLE).values.to_list() == [7] * 5
    assert read_ids(written, TEXT).values.to_list() == ["7"] * 5
    assert written[0] == " 7"


def test_lists_and_objects_are_no_ids():
    nested = ['{"id": 5}', "[1]", '["a"]', "[]", "[null]", None]
    plain = ["{3F2504E0-4F89-41D3-9A0C-0305E82C3301}", "[draft] intro", "a[1]", "{}", None]
    assert are_nested(texts(*nested)).to_list() == [True] * 5 + [False]
    assert not are_nested(texts(*plain)).any()


def test_ids_may_be_folded():
    read = read_ids(texts("Ann@X.org", "ann@x.org"), TEXT, fold_case=True)
    assert read.values.to_list() == ["ann@x.org"] * 2


def test_rounded_ids_are_mangled():
    rounded = ["1.81534E+18", "1,81534E+18", "1.8153408869280003e18", "2E+15", "9007199254740994.0"]
    read = read_ids(texts(*rounded, "7", "x", "7.5", None), WHOLE)
    assert read.mangled.to_list() == [True] * 5 + [False] * 4
    assert read.values.drop_nulls().to_list() == [7]


def test_among_texts_only_long_numbers_are_mangled():
    read = read_ids(texts("1.81534E+18", "1E+11", "1E+10", "1e18", "a+b@x.org", "5E", None), TEXT)
    assert read.mangled.to_list() == [True, True, False, False, False, False, False]


@pytest.mark.parametrize(
    ("ids", "dtype"),
    [
        (["1", "2", None], WHOLE),
        ([], WHOLE),
        (["1", "2", "x"], TEXT),
        (["1", "007"], TEXT),
        ([*map(str, range(1000)), "guest"], WHOLE),
        ([*map(str, range(10)), "guest"], WHOLE),
        ([*map(str, range(9)), "guest"], TEXT),
        ([*map(str, range(18)), "guest", "admin"], TEXT),
        ([*map(str, range(1000)), *["guest"] * 900], WHOLE),
        ([*map(str, range(1000)), "007"], WHOLE),
        ([*map(str, range(10_000, 99_999)), "00017"], TEXT),
        ([*map(str, range(100)), *[f"x{n}" for n in range(7)]], TEXT),
        (["7.0", "8.0", "NaN"], WHOLE),
        (["1815340886928000336", "1.81534E+18", "NULL"], WHOLE),
        (["a", "b"], TEXT),
    ],
)
def test_one_odd_value_does_not_make_whole_numbers_texts(ids, dtype):
    column = texts(*ids)
    assert choose_dtype([column]) == dtype
    assert choose_dtype([column, column.reverse()]) == dtype


def test_ids_are_counted_over_all_blocks():
    odd = texts("1", "x")
    assert choose_dtype([texts(*map(str, range(100))), odd]) == WHOLE
    assert choose_dtype([texts("a", "b", "1"), odd]) == TEXT


def test_a_file_of_texts_makes_a_home_of_texts():
    whole = texts(*map(str, range(1000)))
    assert choose_dtype([whole, texts("css", "html", "python")]) == TEXT
    assert choose_dtype([whole, texts("guest")]) == WHOLE
