"""Ids as a home keeps them: whole numbers or texts, whatever an export or a spreadsheet did to them on the way."""

from collections.abc import Iterable
from typing import Final, NamedTuple

import polars as pl

from nightschool.data.normalization.missing import MISSING, read_leniently, without_blanks, without_missing

_MOST_TEXT: Final = 0.05
"""Share of the different ids that may be no whole numbers in a home of whole numbers; they go to quarantine."""

_ENOUGH: Final = 10
"""Distinct whole numbers from which a single other id is an accident."""

_FEW: Final = 2
"""Distinct ids that are no whole numbers in a block that still count as accidents."""

_WITH_ZEROS: Final = r"^(-?(?:0|[1-9]\d*))\.0+$"
_EXACT: Final = 2**53
"""Beyond it a number that went through a double may be another one."""
_ROUNDED: Final = r"^-?\d(?:[.,]\d+)?[eE]\+?\d{1,3}$"
_ROUNDED_LONG: Final = r"^-?\d(?:[.,]\d+)?[eE]\+(?:1[1-9]|[2-9]\d|\d{3})$"
_NESTED: Final = r'^(?:\{\s*"|\[\s*(?:["\[{\]\d-]|true|false|null))'
_PADDED: Final = r"^0\d+$"


class Ids(NamedTuple):
    """One column of ids, read.

    Attributes:
        values: The ids in the home's dtype; null where there is none, or it cannot be read.
        given: What is written, without blanks around it; null where that is a word for no value.
        mangled: Which of them a spreadsheet or a double rounded, bool [n]: 1.81534E+18 could be any of a million ids.
    """

    values: pl.Series
    given: pl.Series
    mangled: pl.Series


def read_ids(text: pl.Series, dtype: pl.DataType, *, fold_case: bool = False) -> Ids:
    """Read a column of ids.

    Args:
        text: The ids as they are written.
        dtype: The dtype of the home's ids.
        fold_case: Whether ids that differ by case alone are one, as e-mail addresses are.
    """
    if dtype == pl.String:
        # Most files are clean, and most ids come again.
        different = text.unique()
        bare = _clean(different, fold_case)
        given = text if bare.eq_missing(different).all() else _clean(text, fold_case)
        return Ids(given, given, _are_long_doubles(given) if _are_long_doubles(bare).any() else _nowhere(text))
    values, given = read_leniently(text, lambda texts: to_ids(texts, dtype))
    unread = values.null_count() > given.null_count()
    return Ids(values, given, _are_doubles(given) if unread else _nowhere(text))


def to_ids(text: pl.Series, dtype: pl.DataType) -> pl.Series:
    """Convert text to ids; as whole numbers, only text that the number itself would have (not 007 or +7).

    A whole number that a table of doubles wrote as 7.0 is 7, as long as a double holds it exactly.
    """
    if dtype == pl.String:
        return text
    numbers = _plain(text)
    not_whole = numbers.is_null() & text.is_not_null()
    if not not_whole.any():
        return numbers
    place = not_whole.arg_true()
    doubles = _plain(text.gather(place).str.extract(_WITH_ZEROS))
    return numbers.scatter(place, doubles.set(doubles.abs() > _EXACT, None))


def are_nested(text: pl.Series) -> pl.Series:
    """Return which texts are lists or objects of JSON, and so no ids, bool [n]; a GUID in braces is an id."""
    return text.str.contains(_NESTED).fill_null(value=False)


def choose_dtype(blocks: Iterable[pl.Series]) -> pl.DataType:
    """Choose the dtype of ids read block by block: Int64 where nearly all distinct ones are whole numbers.

    Ids padded with zeros to one width are texts. Rounded ones say nothing.
    """
    n_whole, shortest = 0, 19
    not_whole: set[str] = set()
    for text in blocks:
        numbers, strange = _plain(text), 0
        if numbers.null_count() > text.null_count():
            rest = _clean(text.filter(numbers.is_null()).unique(), fold_case=False).drop_nulls()
            values = to_ids(rest, pl.Int64())
            found = rest.filter(values.is_null() & ~_are_doubles(rest))
            strange = len(found)
            not_whole.update(found)
            numbers = numbers.drop_nulls().append(values.drop_nulls())
        # A number in two blocks may be the same: the larger count is a safe one.
        n_here = numbers.drop_nulls().n_unique()
        n_whole = max(n_whole, n_here)
        least = numbers.abs().min()
        shortest = min(shortest, len(str(least))) if isinstance(least, int) else shortest
        if strange > max(n_here, _FEW):
            # A whole file of texts is no accident, however many numbers there are in others.
            return pl.String()
    # A single one is an accident also where ids are so few that it is more than its share.
    is_text = len(not_whole) > max(_MOST_TEXT * (len(not_whole) + n_whole), n_whole >= _ENOUGH)
    return pl.String() if is_text or _are_padded(not_whole, shortest) else pl.Int64()


def _are_padded(not_whole: Iterable[str], shortest: int) -> bool:
    """Return whether some ids are padded with zeros to the length of the shortest of the others."""
    texts = pl.Series(list(not_whole), dtype=pl.String)
    padded = texts.filter(texts.str.contains(_PADDED))
    return len(padded) > 0 and min(map(len, padded)) <= shortest


def _clean(text: pl.Series, fold_case: bool) -> pl.Series:
    bare = without_missing(without_blanks(text), MISSING)
    return bare.str.to_lowercase() if fold_case else bare


def _are_doubles(text: pl.Series) -> pl.Series:
    exact = text.str.extract(_WITH_ZEROS).cast(pl.Float64).abs() <= _EXACT
    return (text.str.contains(_ROUNDED) | ~exact).fill_null(value=False)


def _are_long_doubles(text: pl.Series) -> pl.Series:
    """Return which texts are numbers of twelve or more digits as a spreadsheet shortens them."""
    return text.str.contains(_ROUNDED_LONG).fill_null(value=False)


def _nowhere(text: pl.Series) -> pl.Series:
    return pl.repeat(False, len(text), dtype=pl.Boolean, eager=True)


def _plain(text: pl.Series) -> pl.Series:
    numbers = text.cast(pl.Int64, strict=False)
    return numbers.set(numbers.cast(pl.String) != text, None)
