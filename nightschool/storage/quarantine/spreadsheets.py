"""Text that a spreadsheet would run as a formula, made harmless and back: it begins with a '."""

from typing import Final

import polars as pl
import polars.selectors as cs

_FORMULA: Final = r"^('*[=+\-@\t\r])"
_ESCAPED: Final = r"^'('*[=+\-@\t\r])"


def count_formulas(frame: pl.DataFrame) -> int:
    """Count the texts that `without_formulas` puts a ' before."""
    return sum(int(column.sum()) for column in frame.select(cs.string().str.contains(_FORMULA)))


def without_formulas(frame: pl.DataFrame) -> pl.DataFrame:
    """Put a ' before every text that starts like a formula, or like one that is escaped already."""
    return frame.with_columns(cs.string().str.replace(_FORMULA, "'${1}"))


def with_formulas(frame: pl.DataFrame) -> pl.DataFrame:
    """Undo `without_formulas`."""
    return frame.with_columns(cs.string().str.replace(_ESCAPED, "${1}"))
