from typing import Any

import polars as pl
import pytest

from expectations.text import controls_of, id_measures, length_of, misread, text_measures


def measured(expressions: dict[str, pl.Expr], name: str, value: str | None) -> object:
    return pl.DataFrame({"a": [value]}, {"a": pl.String}).select(expressions[name]).item()


@pytest.mark.parametrize(
    ("value", "in_id", "in_text"),
    [
        ("course 7, 日本, 🎓, עברית", False, False),
        ("a\tb\r\nc", True, False),
        ("a\x00b", True, True),
        ("a\x1b[31m", True, True),
        ("a\x7f", True, True),
        ("a\x85b", True, False),
        ("\u202eabc", False, False),
    ],
)
def test_control_characters(value: Any, in_id: bool, in_text: bool) -> None:
    assert measured(id_measures("a"), controls_of("a"), value) is in_id
    assert measured(text_measures("a"), controls_of("a"), value) is in_text


def test_length_counts_characters() -> None:
    assert measured(id_measures("a"), length_of("a"), "日本🎓") == 3
    assert measured(id_measures("a"), length_of("a"), None) is None


@pytest.mark.parametrize(
    ("value", "expected"), [("café", False), ("caf\ufffd", True), ("it\x92s", True), (None, False)]
)
def test_misread_text_shows_it(value: Any, expected: Any) -> None:
    frame = pl.DataFrame({"a": ["fine"], "b": [value]}, {"a": pl.String, "b": pl.String})
    assert frame.select(misread("a", "b")).item() is expected
