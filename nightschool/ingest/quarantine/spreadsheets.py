"""Text that a spreadsheet would run as a formula, made harmless and back: it begins with a '."""

from typing import Final

import polars as pl
import polars.selectors as cs

_FORMULA: Final = r"^('*[=+\-@\t\r])"
_ESCAPED: Final = r"^'('*[=+\-@\t\r])"


def count_formulas(frame: pl.DataFrame) -> int:
    """How many texts of the frame get a ' before them."""
    return sum(int(column.sum()) for column in frame.select(cs.string().str.contains(_FORMULA)))


def without_formulas(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with a ' before every text that begins as a formula does, or as one that was escaped already."""
    return frame.with_columns(cs.string().str.replace(_FORMULA, "'${1}"))


def with_formulas(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame as it was before `without_formulas`."""
    return frame.with_columns(cs.string().str.replace(_ESCAPED, "${1}"))
