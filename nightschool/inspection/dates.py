"""Dates that are not ISO 8601: the forms in which a column of them can be read, and none chosen where two fit."""

from collections.abc import Iterator
from itertools import product
from typing import Final

import polars as pl

from nightschool.data.readers.parse_instants import from_format

_DAYS: Final = (
    *(order.replace("/", mark) for mark in "./-" for order in ("%d/%m/%Y", "%m/%d/%Y", "%d/%m/%y", "%m/%d/%y")),
    *("%Y/%m/%d", "%Y.%m.%d", "%d-%b-%Y", "%d-%b-%y", "%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y"),
)
_CLOCKS: Final = ("", " %H:%M", " %H:%M:%S", ", %H:%M", ", %H:%M:%S", " %I:%M %p", " %I:%M:%S %p", "T%H:%M:%S")
_NEARLY_ALL: Final = 0.97
_YEARS: Final = (1990, 2100)
_TRIED: Final = 30
_MOST_DIFFERENT: Final = 3000


def date_forms(text: pl.Series) -> tuple[str, ...]:
    """Return every format in which nearly all texts are dates since 1990; two if day and month are ambiguous."""
    different = text.unique(maintain_order=True).head(_MOST_DIFFERENT)
    return tuple(form for form in _fitting(different.head(_TRIED)) if _fits(form, different))


def _fitting(few: pl.Series) -> Iterator[str]:
    return (form for day, clock in product(_DAYS, _CLOCKS) if _fits(form := day + clock, few))


def _fits(form: str, text: pl.Series) -> bool:
    within = from_format(text, form).dt.year().is_between(*_YEARS).fill_null(value=False)
    return bool(within.sum() >= _NEARLY_ALL * len(text))
