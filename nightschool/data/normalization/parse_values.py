"""Text to typed values: every function gives null where the text is missing or means nothing."""

import html
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from typing import Final

import polars as pl

from nightschool.columns import INSTANT
from nightschool.data.manifest.sections import Origins, Time
from nightschool.data.readers.parse_instants import are_unclear, from_format, from_iso, to_utc
from nightschool.data.readers.parsing import JSON_STRING

_MICROSECONDS: Final[Mapping[str, float]] = {"us": 1.0, "ms": 1e3, "s": 1e6, "days": 86_400e6}
_ENTITY: Final = r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,31});"
_HELD: Final = "held"
_FLAT_LIST: Final = r"^\s*\[[^\[\]{}]*\]\s*$"
_BEYOND_NUMBERS: Final = r"\d{39}"
"""Whole numbers of more digits may have more than 128 bits, which polars does not read."""
_FURTHEST: Final = 253_402_300_799e6
"""The last microsecond count of the year 9999, beyond which no calendar goes."""


def to_text(values: pl.Series) -> pl.Series:
    """Convert values to text, lists and structs to JSON; null where there is none."""
    text = _as_json(values) if values.dtype.is_nested() else values.cast(pl.String)
    return text.set(text == "", None)


def _as_json(values: pl.Series) -> pl.Series:
    held = values.alias(_HELD).to_frame().to_struct()
    return held.struct.json_encode().str.json_path_match(f"$.{_HELD}")


def to_numbers(text: pl.Series, decimal: str = ".", thousands: str = "") -> pl.Series:
    """Parse finite numbers, Float64, written with these marks for decimals and thousands."""
    if thousands:
        grouped = rf"^\s*[+-]?\d{{1,3}}(?:{re.escape(thousands)}\d{{3}})+(?:{re.escape(decimal)}\d+)?\s*$"
        bare = text.str.replace_all(thousands, "", literal=True)
        text = bare.zip_with(text.str.contains(grouped).fill_null(value=False), text)
    if decimal != ".":
        text = text.set(text.str.contains(".", literal=True).fill_null(value=False), None)
        text = text.str.replace(decimal, ".", literal=True)
    numbers = text.cast(pl.Float64, strict=False)
    return numbers.set(~numbers.is_finite(), None)


def without_entities(text: pl.Series) -> pl.Series:
    """Replace HTML entities such as &amp; by the letters that they stand for."""
    if not text.str.contains("&", literal=True).any():
        return text
    found = text.drop_nulls().str.extract_all(_ENTITY).explode(empty_as_null=False).unique().to_list()
    return text.str.replace_many(found, [html.unescape(entity) for entity in found]) if found else text


def to_flags(text: pl.Series) -> pl.Series:
    """Parse Booleans from true/false, yes/no and 1/0 in any case."""
    words = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
    return text.str.to_lowercase().replace_strict(words, default=None, return_dtype=pl.Boolean)


def to_instants(values: pl.Series, how: Time, names: pl.Series | None = None) -> pl.Series:
    """Convert times to UTC in microseconds, local ones by the manifest's zone; columns of times are kept as such.

    Args:
        values: The column of instants.
        how: How they are written.
        names: Where the origins differ from row to row: which of them holds.
    """
    if isinstance(values.dtype, pl.Datetime):
        utc = values.dt.convert_time_zone("UTC") if values.dtype.time_zone else to_utc(values, how.timezone)
        return utc.cast(INSTANT)
    if values.dtype == pl.Date:
        return values.cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    text = to_text(values)
    if how.format:
        return from_format(text, how.format, how.timezone)
    return from_iso(text, how.timezone) if how.unit == "iso" else _from_count(text, how, names)


def unclear_times(text: pl.Series, how: Time) -> pl.Series:
    """Return which local times the clocks of the manifest's zone show twice or never, bool [n]."""
    # Read as if they were UTC, times without an offset are what the clocks show.
    shown, instants = (to_instants(text, how.model_copy(update={"timezone": zone})) for zone in ("UTC", how.timezone))
    local = shown.dt.replace_time_zone(None)
    return (are_unclear(local, how.timezone) & (shown != instants)).fill_null(value=False)


def beyond_calendar(text: pl.Series, unit: str) -> pl.Series:
    """Return which counts lie beyond the year 9999, bool [n]: they count in a finer unit than the named one."""
    return (to_numbers(text).abs() * _MICROSECONDS[unit] > _FURTHEST).fill_null(value=False)


def _from_count(text: pl.Series, how: Time, names: pl.Series | None) -> pl.Series:
    # A double counts microseconds exactly until the year 2255.
    counts = to_numbers(text) * _MICROSECONDS[how.unit or "s"]
    if isinstance(how.origin, Origins):
        starts = {name: _microseconds(day) for name, day in how.origin.dates.items()}
        counts += (text if names is None else names).replace_strict(starts, default=None, return_dtype=pl.Float64)
    elif how.origin:
        counts += _microseconds(how.origin)
    return counts.set(counts.abs() > _FURTHEST, None).round().cast(pl.Int64).cast(INSTANT)


def _microseconds(day: date) -> float:
    return datetime.combine(day, time(), UTC).timestamp() * 1e6


def to_lists(values: pl.Series, separator: str) -> pl.Series:
    """Split texts into trimmed, non-empty labels; without a separator the values are lists already, or JSON.

    Lists that cannot be read are null, missing ones are empty.
    """
    labels = _labels(values, separator)
    trimmed = pl.element().str.strip_chars()
    return labels.list.eval(trimmed.filter(trimmed != ""))


def _labels(values: pl.Series, separator: str) -> pl.Series:
    empty = pl.Series([[]], dtype=pl.List(pl.String))
    if isinstance(values.dtype, pl.List) and not values.dtype.inner.is_nested():
        return values.cast(pl.List(pl.String)).fill_null(empty)
    text = to_text(values)
    if separator:
        return text.str.split(separator).zip_with(text.is_not_null(), empty)
    outside = text.str.replace_all(JSON_STRING, '""')
    is_flat = outside.str.contains(_FLAT_LIST) & ~outside.str.contains(_BEYOND_NUMBERS)
    is_list = (is_flat & text.str.json_path_match("$").is_not_null()).fill_null(value=False)
    lists = text.zip_with(is_list, pl.Series(["[]"])).str.json_decode(pl.List(pl.String))
    return lists.zip_with(is_list | text.is_null(), pl.Series([None], dtype=pl.List(pl.String)))
