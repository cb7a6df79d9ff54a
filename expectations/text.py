"""Rules for ids and for text in any table."""

from typing import Any, Final

import polars as pl

from expectations.rules import between
from nightschool.data.normalization.limits import LONGEST_ID, LONGEST_TEXT

_IN_IDS: Final = r"\p{Cc}"
_IN_TEXT: Final = r"[\x00-\x08\x0B\x0C\x0E-\x1F\x7F]"
_MISREAD: Final = r"[\x80-\x9F\uFFFD]"
"""What is left of text that was decoded by the wrong encoding: replacement characters, and controls beyond ASCII."""


def id_rules(column: str) -> list[Any]:
    """List the rules for an id: a longest length, and no control characters."""
    return [
        between(length_of(column), "id_too_long", high=LONGEST_ID, measured=column),
        between(controls_of(column), "control_character_in_id", high=0, measured=column),
    ]


def text_rules(column: str) -> list[Any]:
    """List the rules for text: a longest length, and no control characters but tabs and line ends."""
    return [
        between(length_of(column), "text_too_long", high=LONGEST_TEXT, measured=column),
        between(controls_of(column), "control_character_in_text", high=0, measured=column),
    ]


def id_measures(*columns: str) -> dict[str, pl.Expr]:
    """Map the measures that the rules for ids check to their expressions."""
    return _measures(columns, _IN_IDS)


def text_measures(*columns: str) -> dict[str, pl.Expr]:
    """Map the measures that the rules for text check to their expressions."""
    return _measures(columns, _IN_TEXT)


def misread(*columns: str) -> pl.Expr:
    """Build the expression of whether one of the columns was decoded by the wrong encoding."""
    return pl.any_horizontal(pl.col(name).str.contains(_MISREAD).fill_null(value=False) for name in columns)


def length_of(column: str) -> str:
    """Name the measure of a column's lengths."""
    return f"length of {column}"


def controls_of(column: str) -> str:
    """Name the measure of whether a column has control characters."""
    return f"control characters in {column}"


def _measures(columns: tuple[str, ...], controls: str) -> dict[str, pl.Expr]:
    lengths = {length_of(name): pl.col(name).str.len_chars() for name in columns}
    return lengths | {controls_of(name): pl.col(name).str.contains(controls) for name in columns}
