from datetime import date, datetime

import polars as pl
import pytest

from nightschool.inspection.profiles import Kind, profile


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([None, ""], Kind.EMPTY),
        (["0", "1", "1"], Kind.FLAG),
        (["true", "No"], Kind.FLAG),
        (["1", "-20"], Kind.INTEGER),
        (["1.5", "2"], Kind.NUMBER),
        (["2024-01-01", "2024-01-02T10:00:00Z"], Kind.INSTANT),
        (['["a"]', "[]"], Kind.LIST),
        (["a|b", "b|c", "c"], Kind.LIST),
        (['{"a": 1}'], Kind.OBJECT),
        (["[0.5, -1e-3]", "[1, 0.25]"], Kind.VECTOR),
        (["[1, 2]", "[3, 4]"], Kind.LIST),
        (["one", "2"], Kind.TEXT),
        (["Doe, Ann", "Roe, Ben", "Poe, Cat"], Kind.TEXT),
    ],
)
def test_kind_of_texts(values, kind):
    assert profile("x", pl.Series(values, dtype=pl.String)).kind == kind


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (pl.Series([1, 2, None]), Kind.INTEGER),
        (pl.Series([True, None]), Kind.FLAG),
        (pl.Series([datetime(2024, 1, 1)]), Kind.INSTANT),
        (pl.Series([date(2024, 1, 1)]), Kind.INSTANT),
        (pl.Series([["a"], None]), Kind.LIST),
        (pl.Series([[0.1, 0.2]]), Kind.VECTOR),
        (pl.Series([[0.1, 0.2]], dtype=pl.Array(pl.Float32, 2)), Kind.VECTOR),
        (pl.Series([[[0.1]]]), Kind.OBJECT),
        (pl.Series([{"a": 1}]), Kind.OBJECT),
        (pl.Series([b"x"]), Kind.OBJECT),
    ],
)
def test_kind_of_typed_columns(values, kind):
    assert profile("x", values).kind == kind


def test_a_few_strange_values_do_not_change_the_kind():
    assert profile("x", pl.Series([*map(str, range(99)), "oops"])).kind == Kind.INTEGER
    assert profile("x", pl.Series([*map(str, range(9)), "oops"])).kind == Kind.TEXT


def test_figures_of_a_column():
    found = profile("x", pl.Series(["3", "1", "3", None]))
    assert (found.rows, found.filled, found.distinct, found.repeats) == (4, 0.75, 2, 1.5)
    assert (found.levels, found.range, found.length) == (("3", "1"), (1.0, 3.0), 1.0)


def test_usual_range_leaves_out_what_is_rare():
    found = profile("at", pl.Series(["0", *(str(1_700_000_000 + n) for n in range(200))]))
    assert found.range == (0.0, 1_700_000_199.0)
    assert found.usual is not None
    assert found.usual[0] > 1_600_000_000


def test_instants_count_in_seconds():
    assert profile("at", pl.Series(["1970-01-02"])).range == (86_400.0, 86_400.0)


@pytest.mark.parametrize(
    ("values", "told"),
    [
        (["4,5", "3,0", "4"], "decimal comma"),
        (["13.03.2024 14:05", "1.4.2024"], "13.03.2024 14:05"),
        (["12/03/24, 14:05"], "could begin with the day or with the month"),
        (["1st of March 2024"], ""),
        (["1.3.2024 um 5 Uhr"], "dates such as"),
        (["4.9stars", "3.2stars"], ""),
    ],
)
def test_hint_says_why_values_cannot_be_read(values, told):
    found = profile("x", pl.Series(values))
    assert found.kind == Kind.TEXT
    assert told in found.hint
    assert bool(found.hint) == bool(told)


@pytest.mark.parametrize(
    ("values", "forms"),
    [
        (["14.11.2023 22:36", "1.12.2023 05:07"], ("%d.%m.%Y %H:%M",)),
        (["01-Jan-1995", "14-NOV-2023"], ("%d-%b-%Y",)),
        (["March 3, 2024"], ("%B %d, %Y",)),
        (["11/14/2023 10:13:20 PM", "NULL"], ("%m/%d/%Y %I:%M:%S %p",)),
        (["01/02/2024", "03/04/2024"], ("%d/%m/%Y", "%m/%d/%Y")),
        (["01.02.24", "13.04.24"], ("%d.%m.%y",)),
        (["2024-03-01"], ()),
        (["3.5.7 of 2"], ()),
    ],
)
def test_forms_of_dates_are_those_that_fit_all_of_them(values, forms):
    found = profile("at", pl.Series(values))
    assert found.forms == forms
    assert (found.kind == Kind.INSTANT) == (len(forms) == 1 or values[0][:4] == "2024")
    assert bool(found.hint) == (len(forms) > 1)


def test_words_for_no_value_say_nothing_of_a_column():
    found = profile("user_id", pl.Series(["NULL", "7", "8", "None"]))
    assert (found.kind, found.filled, found.written, found.could_be_an_id) == (Kind.INTEGER, 0.5, 1.0, True)


@pytest.mark.parametrize(
    ("values", "separator"),
    [
        (["Comedy|Drama", "Drama", "Drama|Comedy"], "|"),
        (["a; b", "b; c; a", "c; a"], ";"),
        (["a, b", "b, c, a", "c, a", "a"], ","),
    ],
)
def test_separator_of_a_list(values, separator):
    assert profile("x", pl.Series(values)).separator == separator


def test_few_genres_with_commas_are_lists():
    genres = pl.Series(["Romance, School", "Action, Drama", "Action"] * 20)
    assert (profile("genre", genres).kind, profile("remark", genres).kind) == (Kind.LIST, Kind.TEXT)


def test_titles_with_commas_are_no_lists():
    titles = [f"Part {n}, which tells of matter {n}" for n in range(20)]
    assert profile("title", pl.Series(titles)).kind == Kind.TEXT


def test_scripts_without_blanks_have_several_words():
    assert profile("x", pl.Series(["人格与精神障碍", "Art"])).spaced == 0.5


@pytest.mark.parametrize(
    ("name", "values", "possible"),
    [
        ("x", ["1", "2"], True),
        ("x", ["a-1", "b-2"], True),
        ("x", ["1.0", "2.0"], True),
        ("x", ["1.5", "2.0"], False),
        ("x", ["7", "8", None], False),
        ("x", ["y" * 200, "z" * 200], False),
        ("", ["1", "2"], False),
    ],
)
def test_ids_are_short_and_filled(name, values, possible):
    assert profile(name, pl.Series(values)).could_be_an_id == possible
