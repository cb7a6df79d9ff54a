"""Numbers as people write them: `4.9stars`, `10,438 reviews`, `Approximately 6 months to complete`."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import polars as pl

from nightschool.data.manifest.sections import Quantity
from nightschool.data.normalization.parse_values import to_numbers

_NUMBER: Final = r"(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?"
# Right after a word, a sign may as well be a dash, and a point or comma belong to the word.
_THE_NUMBER: Final = rf"^(?:\D*[^\w\-−+.,])?(-?{_NUMBER})\D*$"

_HOURS_A_WEEK: Final = 168.0
_UNITS: Final[Mapping[str, float]] = MappingProxyType(
    {
        "secs?|seconds?": 1 / 3600,
        "m|mins?|minutes?": 1 / 60,
        "h|hrs?|hours?|horas?": 1.0,
        "days?": 24.0,
        "wks?|weeks?": _HOURS_A_WEEK,
        "mos?|months?": 8766 / 12,
        "yrs?|years?": 8766.0,
    }
)
"""How a unit is written, and its hours; a year has 365.25 days."""

_COUNT: Final = r"(\d+(?:\.\d+)?)"
_PACE: Final = rf"(?i)(?:\bat\s+)?{_COUNT}\s*(?:hours?|hrs?|h)\s*(?:an?|per|/)\s*(?:week|wk)\b"


def to_quantities(text: pl.Series, how: Quantity) -> pl.Series:
    """Extract the number of each text, Float64; null where there is none or it is ambiguous."""
    return _hours(text) if how == "hours" else _numbers(text)


def with_points(text: pl.Series, decimal: str, thousands: str) -> pl.Series:
    """Rewrite the numbers in texts with a decimal point and nothing between thousands."""
    if decimal == ".":
        return text
    if thousands:
        # Twice, since a match ends where the next one would have to begin.
        for _ in range(2):
            text = text.str.replace_all(rf"(\d){re.escape(thousands)}(\d\d\d)\b", "$1$2")
    return text.str.replace_all(r"(\d),(\d)", "$1.$2")


def _numbers(text: pl.Series) -> pl.Series:
    """Extract the only number of each text, with commas between thousands or without."""
    plain = to_numbers(text)
    found = to_numbers(text.str.extract(_THE_NUMBER).str.replace_all(",", "", literal=True))
    return plain.zip_with(plain.is_not_null(), found)


def _hours(text: pl.Series) -> pl.Series:
    """Convert durations in words to hours: the sum of all parts, and of a range its middle.

    Days, weeks, months and years are those of the calendar, unless the text tells the hours of study a week.
    """
    pace = text.str.extract(_PACE).cast(pl.Float64)
    rest = text.str.replace(_PACE, "")
    parts = [(_amounts(rest, unit) * hours).alias(unit) for unit, hours in _UNITS.items()]
    found = pl.DataFrame(parts).select(
        pl.when(pl.any_horizontal(pl.all().is_not_null())).then(pl.sum_horizontal(pl.all()))
    )
    hours = found.to_series()
    return (hours / _HOURS_A_WEEK * pace).zip_with(pace.is_not_null(), hours)


def _amounts(text: pl.Series, unit: str) -> pl.Series:
    """Sum the amounts of one unit; null where the text has none."""
    amount = rf"(?i){_COUNT}(?:\s*[-–]\s*{_COUNT})?\s*(?:{unit})\b"
    low, high = (pl.element().str.extract(amount, group).cast(pl.Float64) for group in (1, 2))
    sums = text.str.extract_all(amount).list.eval((low + high.fill_null(low)) / 2).list.sum()
    return sums.set(~text.str.contains(amount), None)
