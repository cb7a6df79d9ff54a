"""Profiles of columns, from a sample of their values."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import polars as pl

from nightschool.columns import INSTANT
from nightschool.data.manifest.sections import Time
from nightschool.data.normalization.missing import MISSING, without_missing
from nightschool.data.normalization.parse_values import to_instants, to_lists, to_numbers, to_text
from nightschool.data.normalization.parse_vectors import to_vectors
from nightschool.data.readers.parse_instants import from_format
from nightschool.data.readers.source_format import is_pattern
from nightschool.inspection.dates import date_forms
from nightschool.inspection.names import Topic, is_about

MOST: Final = 0.97
"""The share of a column's values that must read as what it is taken for; the others would go to quarantine."""

_LEVELS: Final = 200
_LONGEST: Final = 200
_ISO: Final = Time(column="", unit="iso")
_DECIMAL_COMMA: Final = r"^\s*-?\d+,\d+\s*$"
_DATE: Final = (
    r"^\W*(\d{1,4}[./-]([A-Za-z]{3}|\d{1,2})[./-]\d{2,4}|[A-Za-z]{3,9} \d{1,2},? \d{4}|\d{1,2} [A-Za-z]{3,9} \d{4})"
)
_SEVERAL_WORDS: Final = r"\S\s+\S|[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}]{2}"
_OFTEN: Final = {"|": 0.9, ";": 0.7, ",": 0.5}
"""Separators of lists, with the most different labels a label for which it is believed that they separate."""


class Kind(StrEnum):
    """What most values of a column are."""

    EMPTY = "empty"
    FLAG = "flag"
    INTEGER = "integer"
    NUMBER = "number"
    INSTANT = "instant"
    VECTOR = "vector"
    LIST = "list"
    OBJECT = "object"
    TEXT = "text"


@dataclass(frozen=True)
class Profile:
    """One column of a sample.

    Attributes:
        name: The column.
        kind: What its values are.
        rows: Rows of the sample.
        filled: Share of them that hold a value.
        distinct: Different values.
        levels: The values, the most frequent first, up to 200 of them; without those of over 200 characters.
        length: Mean number of characters.
        spaced: Share of values of several words, which some scripts write without blanks.
        range: The least and the greatest number, or instant in seconds since 1970; None where there are neither.
        usual: The same without the 2 % at either end.
        separator: The text between the labels of a list; empty where the values are lists themselves.
        written: Share of values that hold anything, words such as NULL among them.
        forms: The forms in which dates can be read that are not ISO 8601.
        hint: Why the values cannot be read as what they seem to be; empty where they can.
    """

    name: str
    kind: Kind
    rows: int
    filled: float = 0.0
    distinct: int = 0
    levels: tuple[str, ...] = ()
    length: float = 0.0
    spaced: float = 0.0
    range: tuple[float, float] | None = None
    usual: tuple[float, float] | None = None
    separator: str = ""
    written: float = 0.0
    forms: tuple[str, ...] = ()
    hint: str = ""

    @property
    def repeats(self) -> float:
        """How often a value occurs on average."""
        return self.rows * self.filled / max(self.distinct, 1)

    @property
    def could_be_an_id(self) -> bool:
        """Whether the values could name users or items: nearly always there, and short."""
        whole = self.kind == Kind.NUMBER and all(level.endswith(".0") for level in self.levels)
        fits = whole or self.kind in {Kind.INTEGER, Kind.TEXT, Kind.FLAG}
        return bool(self.name) and fits and self.written >= 0.95 and self.length <= 100


def profile(name: str, values: pl.Series) -> Profile:
    """Describe the values of a column."""
    if isinstance(values.dtype, pl.List) and (values.dtype.inner == pl.String or values.dtype.inner.is_integer()):
        return Profile(name, Kind.LIST, len(values), filled=_share(values.is_not_null()))
    if _is_nested_number(values.dtype):
        return Profile(name, Kind.VECTOR, len(values), filled=_share(values.is_not_null()))
    if values.dtype == pl.Binary or values.dtype.is_nested():
        return Profile(name, Kind.OBJECT, len(values), hint=_NESTED)
    if is_pattern(name):
        return Profile(name, Kind.OBJECT, len(values), hint=_PATTERN)
    given = to_text(values).drop_nulls()
    text = without_missing(given, MISSING).drop_nulls()
    if text.is_empty():
        return Profile(name, Kind.EMPTY, len(values))
    kind, separator = (Kind.INSTANT, "") if values.dtype.is_temporal() else _kind_of(text, name)
    forms = date_forms(text) if kind == Kind.TEXT and _share(text.str.contains(_DATE)) >= MOST else ()
    kind = Kind.INSTANT if len(forms) == 1 else kind
    numbers = from_format(text, forms[0]).dt.epoch("s").drop_nulls() if len(forms) == 1 else _numbers(values, kind)
    counts = text.alias(name).value_counts(sort=True)[name]
    return Profile(
        name,
        kind,
        len(values),
        filled=len(text) / len(values),
        distinct=len(counts),
        levels=tuple(counts.filter(counts.str.len_chars() <= _LONGEST).head(_LEVELS)),
        length=_figure(text.str.len_chars().mean()),
        spaced=_share(text.str.contains(_SEVERAL_WORDS)),
        range=_ends(numbers, 0.0),
        usual=_ends(numbers, 0.02),
        separator=separator,
        written=len(given) / len(values),
        forms=forms,
        hint=_EITHER.format(text[0]) if len(forms) > 1 else _hint(text, kind),
    )


_EITHER: Final = "dates such as {!r} could begin with the day or with the month: say which by timestamp.format"
_PATTERN: Final = "cannot be read under this name: rename the column at the source"
_NESTED: Final = "holds objects: write their keys as columns of their own"


_READINGS: Final[Mapping[Kind, Callable[[pl.Series], pl.Series]]] = {
    Kind.INTEGER: lambda text: text.str.contains(r"^-?\d{1,19}$|^\d(\.\d+)?E\+\d\d$"),
    Kind.NUMBER: lambda text: to_numbers(text).is_not_null(),
    Kind.INSTANT: lambda text: to_instants(text.str.slice(0, 40), _ISO).is_not_null(),
    Kind.OBJECT: lambda text: text.str.starts_with("{"),
    Kind.VECTOR: lambda text: (
        text.str.contains(".", literal=True) & (to_vectors(text).list.len() > 1).fill_null(value=False)
    ),
    Kind.LIST: lambda text: text.str.starts_with("[") & to_lists(text, "").is_not_null(),
}
"""Kind to which texts can be read as it, the narrower kinds first."""


def _is_nested_number(dtype: pl.DataType) -> bool:
    return isinstance(dtype, pl.List | pl.Array) and isinstance(dtype.inner, pl.DataType) and dtype.inner.is_float()


def _kind_of(text: pl.Series, name: str) -> tuple[Kind, str]:
    """Return the kind of the values, and the separator if they are lists."""
    if text.str.to_lowercase().is_in(["0", "1", "true", "false", "yes", "no"]).all():
        return Kind.FLAG, ""
    kind = next((kind for kind, reads in _READINGS.items() if _share(reads(text)) >= MOST), Kind.TEXT)
    if kind != Kind.TEXT or _hint(text, kind):
        return kind, ""
    # A column of genres or tags may hold few different lists.
    texts = text if is_about(name, Topic.LABEL) else text.unique()
    separator = next((each for each in _OFTEN if _separates(each, texts)), "")
    return (Kind.LIST if separator else Kind.TEXT), separator


def _separates(separator: str, texts: pl.Series) -> bool:
    """Return whether short, repeating labels stand between the separators of different texts."""
    if _share(texts.str.contains(separator, literal=True)) < 0.1:
        return False
    labels = texts.str.split(separator).explode(empty_as_null=False).str.strip_chars()
    few = labels.n_unique() / len(labels) <= _OFTEN[separator]
    return few and _figure(labels.str.len_chars().mean()) <= 30


def _hint(text: pl.Series, kind: Kind) -> str:
    if kind == Kind.OBJECT:
        return _NESTED
    if kind != Kind.TEXT:
        return ""
    if _share(text.str.contains(_DATE)) >= MOST:
        return f"dates such as {text[0]!r} are not read: write them as 2024-03-31T14:05:00"
    if _share(text.str.contains(rf"{_DECIMAL_COMMA}|^-?\d+$")) >= MOST:
        return "numbers with a decimal comma are not read: write them with a point"
    return ""


def _share(where: pl.Series) -> float:
    return _figure(where.mean())


def _numbers(values: pl.Series, kind: Kind) -> pl.Series:
    """Return the values as numbers, or instants as seconds; none for other kinds."""
    if kind in {Kind.INTEGER, Kind.NUMBER}:
        return to_numbers(to_text(values)).drop_nulls()
    instants = to_instants(values, _ISO) if kind == Kind.INSTANT else pl.Series(dtype=INSTANT)
    return instants.drop_nulls().dt.epoch("s")


def _ends(numbers: pl.Series, cut: float) -> tuple[float, float] | None:
    if numbers.is_empty():
        return None
    return _figure(numbers.quantile(cut, "nearest")), _figure(numbers.quantile(1 - cut, "nearest"))


def _figure(value: object) -> float:
    """Convert a statistic of polars to a number; 0 where there were no values."""
    return float(value) if isinstance(value, int | float) else 0.0
