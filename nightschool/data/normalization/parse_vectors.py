"""Columns of vectors as files hold them: lists of numbers, or their JSON."""

from typing import Final

import polars as pl

from nightschool.data.normalization.parse_values import to_text
from nightschool.data.vectors import VECTOR

_A_NUMBER: Final = r"\s*-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?\s*"
_EMPTY: Final = r"^\s*\[\s*\]\s*$"
_A_LIST: Final = rf"^\s*\[{_A_NUMBER}(?:,{_A_NUMBER})*\]\s*$"


def to_vectors(values: pl.Series) -> pl.Series:
    """Convert values to lists of single-precision numbers; null where they are no lists, or hold anything else.

    Numbers that single precision does not hold are infinite or null.
    """
    if isinstance(values.dtype, pl.Array):
        values = values.arr.to_list()
    if isinstance(values.dtype, pl.List):
        is_numeric = isinstance(values.dtype.inner, pl.DataType) and values.dtype.inner.is_numeric()
        return values.cast(VECTOR, strict=False) if is_numeric else _none(values)
    if values.dtype.is_nested():
        return _none(values)
    text = to_text(values)
    is_list = text.str.contains(_A_LIST).fill_null(value=False)
    # Numbers that no double holds are errors to a reader of JSON.
    numbers = text.set(~is_list, None).str.strip_chars(" \t\r\n[]").str.split(",")
    lists = numbers.list.eval(pl.element().str.strip_chars().cast(pl.Float64, strict=False)).cast(VECTOR, strict=False)
    is_empty = text.str.contains(_EMPTY).fill_null(value=False)
    return lists.zip_with(~is_empty, pl.Series([[]], dtype=VECTOR))


def _none(values: pl.Series) -> pl.Series:
    return pl.repeat(None, len(values), dtype=VECTOR, eager=True)
