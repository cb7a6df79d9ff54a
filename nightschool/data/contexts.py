"""Contexts of interactions: the hour and the weekday of their time, and labels of declared columns."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

import polars as pl

from nightschool.columns import TIMESTAMP
from nightschool.contract import Indices
from nightschool.vocabulary import HOUR, WEEKDAY

LEAST_SUPPORT: Final = 20
"""Interactions that a value needs to be told from others."""
LEAST_USERS: Final = 5
"""Users who must share a value, so that none is published that only one person's rows hold."""
MOST_VALUES: Final = 50
"""Values of a context that are told apart, the most frequent ones."""

_DAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_HOURS: Final = tuple(str(hour) for hour in range(24))


def context_values(pairs: pl.DataFrame, declared: Sequence[str], zone: str) -> dict[str, pl.Series]:
    """Return the value of each row by context, categories or text, null where it is not known.

    Args:
        pairs: Rows with a timestamp and the declared contexts.
        declared: The contexts that the manifest declares.
        zone: The time zone of hour and weekday.
    """
    found = {name: pairs[name] for name in declared}
    if not pairs[TIMESTAMP].count():
        return found
    local = pairs[TIMESTAMP].dt.convert_time_zone(zone)
    hours, days = local.dt.hour(), local.dt.weekday() - 1
    return {HOUR: _named(hours, _HOURS), WEEKDAY: _named(days, _DAYS), **found}


def _named(places: pl.Series, names: Sequence[str]) -> pl.Series:
    return places.cast(pl.UInt8).cat.to(pl.Enum(names))


def values_at(instant: datetime, zone: str) -> dict[str, str]:
    """Return hour and weekday of an instant in a time zone, as they are called in tables."""
    local = instant.astimezone(ZoneInfo(zone))
    return {HOUR: str(local.hour), WEEKDAY: _DAYS[local.weekday()]}


def in_order(name: str, values: Sequence[str]) -> list[str]:
    """Return the values of a context in the order of the day or the week; others as they are sorted."""
    named = {HOUR: _HOURS, WEEKDAY: _DAYS}.get(name, ())
    return sorted(values, key=lambda value: (named.index(value) if value in named else 0, value))


def known_values(values: pl.Series, users: Indices) -> list[str]:
    """Return the most frequent values with enough support, sorted; none where fewer than two are known.

    Args:
        values: The value of each choice, categories or text, null where it is not known.
        users: Whose choice each is, int32 [n].
    """
    rows = pl.DataFrame({"value": values, "user": users}).drop_nulls("value")
    counts = rows.group_by("value").agg(pl.len().alias("n"), pl.col("user").n_unique().alias("users"))
    counts = counts.filter(pl.col("n") >= LEAST_SUPPORT, pl.col("users") >= LEAST_USERS)
    counts = counts.with_columns(pl.col("value").cast(pl.String))
    frequent = sorted(counts.sort(["n", "value"], descending=[True, False])["value"].head(MOST_VALUES).to_list())
    return frequent if len(frequent) > 1 else []


def encode(values: pl.Series, known: Sequence[str]) -> Indices:
    """Return the place of each value among the known ones, int32 [n]; -1 for any other."""
    places = values.cast(pl.Enum(known), strict=False).to_physical().cast(pl.Int32)
    codes: Indices = places.fill_null(-1).to_numpy()
    return codes
