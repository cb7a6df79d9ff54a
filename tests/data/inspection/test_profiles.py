from datetime import date, datetime

import polars as pl
import pytest

from nightschool.data.inspection.profiles import Kind, profile


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
        (pl.Series([[0.1, 0.2]]), Kind.OBJECT),
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
        (["12/03/24, 14:05"], "dates such as"),
        (["01-Jan-1995"], "dates such as"),
        (["March 3, 2024"], "dates such as"),
        (["4.9stars", "3.2stars"], ""),
    ],
)
def test_hint_says_why_values_cannot_be_read(values, told):
    found = profile("x", pl.Series(values))
    assert found.kind == Kind.TEXT
    assert told in found.hint
    assert bool(found.hint) == bool(told)


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
