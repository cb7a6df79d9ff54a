"""Missing values: the words for them, and blanks around values."""

from collections.abc import Callable, Collection
from typing import Final

import polars as pl

from nightschool.data.readers.parsing import BLANKS

_WORDS: Final = ("null", "none", "nan", "n/a", "undefined", "<na>", "#n/a", "(null)", "[null]")
_SIGNS: Final = ("NaN", "NA", "\\N", "-")
MISSING: Final = frozenset({form for word in _WORDS for form in (word, word.upper(), word.capitalize())} | {*_SIGNS})
"""How exports write that an id or a number is missing."""

MISSING_LABELS: Final = frozenset({"NULL", "\\N"})
"""How databases write that a label is missing; a label may well be called None or -."""


def without_blanks(text: pl.Series) -> pl.Series:
    """Return the texts without the blanks around them; null where nothing is left."""
    bare = text.str.strip_chars(BLANKS)
    return bare.set(bare == "", None)


def without_missing(text: pl.Series, words: Collection[str]) -> pl.Series:
    """Return the texts, null where they are one of the words for a missing value."""
    return text.set(text.is_in(list(words)).fill_null(value=False), None) if words else text


def read_leniently(text: pl.Series, read: Callable[[pl.Series], pl.Series]) -> tuple[pl.Series, pl.Series]:
    """Return what is read from texts, and the texts that mean something.

    Those that cannot be read as they are are tried without blanks around them, and may be a word for a missing value.
    """
    values = read(text)
    unread = values.is_null() & text.is_not_null()
    if not unread.any():
        return values, text
    place = unread.arg_true()
    rest = without_missing(without_blanks(text.gather(place)), MISSING)
    return values.scatter(place, read(rest)), text.clone().scatter(place, rest)
