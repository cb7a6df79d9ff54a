import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightschool.storage.quarantine.spreadsheets import count_formulas, with_formulas, without_formulas

RISKY = ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "'=1", "''@x"]
HARMLESS = ["", "1=1", "a-b", " =1", "'", "'x", "x\t", "שלום"]


@pytest.mark.parametrize("text", RISKY)
def test_formula_gets_a_mark_before_it(text: str) -> None:
    frame = pl.DataFrame({"a": [text, None], "b": [-1, 2]})
    assert without_formulas(frame).rows() == [("'" + text, -1), (None, 2)]
    assert count_formulas(frame) == 1


@pytest.mark.parametrize("text", HARMLESS)
def test_other_text_stays(text: str) -> None:
    frame = pl.DataFrame({"a": [text]})
    assert without_formulas(frame).equals(frame)
    assert count_formulas(frame) == 0


def test_every_column_of_text_counts_and_no_other() -> None:
    frame = pl.DataFrame({"a": ["=1", "+2"], "b": ["@", "x"], "c": [-1.5, -2.5]})
    assert count_formulas(frame) == 3
    assert count_formulas(pl.DataFrame({"c": [-1.5]})) == 0


@given(st.lists(st.text(st.sampled_from("'=+-@\t\rx"), max_size=5)))
def test_nothing_begins_as_a_formula_and_all_comes_back(texts: list[str]) -> None:
    frame = pl.DataFrame({"a": texts}, schema={"a": pl.String})
    escaped = without_formulas(frame)
    assert not any(text.startswith(("=", "+", "-", "@", "\t", "\r")) for text in escaped["a"])
    assert with_formulas(escaped).equals(frame)
