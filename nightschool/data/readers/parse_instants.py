"""Texts to instants: ISO 8601 as programs write it, and forms that a manifest spells out."""

import re
from datetime import timedelta
from typing import Final

import polars as pl

from nightschool.columns import INSTANT

_ZONED: Final = ("%Y-%m-%dT%H:%M:%S%.f%#z", "%Y-%m-%d %H:%M:%S%.f%#z")
_LOCAL: Final = ("%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d")
_RARE_DAYS: Final = {"%Y-%j": r"^\d{4}-\d{3}$", "%G-W%V-%u": r"^\d{4}-W\d{2}-[1-7]$"}
"""How days of the year and of the week are read, and what they look like."""
_ANY_ISO: Final = (
    r"^(?<day>\d{4}-\d{2}-\d{2}|\d{8})"
    r"(?:[Tt ](?<hour>\d{2}):?(?<minute>\d{2})(?::?(?<second>\d{2})(?:[.,](?<fraction>\d{1,12}))?)?"
    r"\s?(?:(?<utc>[Zz]|UTC|GMT)|(?<sign>[+\-−])(?<hours>[01]\d|2[0-3])(?::?(?<minutes>[0-5]\d))?)?"
    r"(?: UTC)?(?:\[(?<zone>[\w+\-/]+)\])?)?$"
)
_AN_OFFSET: Final = timedelta(hours=3)
"""More than clocks are ever changed by."""


def from_iso(text: pl.Series, zone: str = "UTC") -> pl.Series:
    """Parse ISO 8601, null where a text is none; times without an offset are local times of the zone.

    Beyond the usual forms: minutes alone, the basic form, a comma before the fraction, a blank before the offset or UTC
    in its place, small letters, the name of a zone in brackets.
    """
    instants = pl.repeat(None, len(text), dtype=INSTANT, eager=True)
    for form in (*_ZONED, *_LOCAL):
        missing = instants.is_null() & text.is_not_null()
        if not missing.any():
            return instants
        read = _zoned(text, form) if form in _ZONED else to_utc(_local(text, form), zone)
        instants = instants.zip_with(~missing, read)
    place = (instants.is_null() & text.is_not_null()).arg_true()
    return instants.scatter(place, _from_any_iso(text.gather(place), zone)) if len(place) else instants


def from_format(text: pl.Series, form: str, zone: str = "UTC") -> pl.Series:
    """Parse instants by a strftime format, null where a text does not match it.

    Raises:
        ComputeError: The form names no time, such as hours without minutes.
    """
    return _zoned(text, form) if has_offset(form) else to_utc(_local(text, form), zone)


def require_format(form: str) -> None:
    """Raise unless texts of the format name instants.

    Raises:
        ValueError: They do not.
    """
    if not re.search("%[YyDFGcsx]", form):
        raise ValueError('format names no year; write it as "%d.%m.%Y %H:%M"')
    try:
        from_format(pl.Series([""]), form)
    except pl.exceptions.PolarsError as error:
        raise ValueError(str(error).splitlines()[0]) from None


def has_offset(form: str) -> bool:
    """Return whether a format includes the offset from UTC."""
    return form.replace("%%", "").rstrip().endswith(("%z", "%:z", "%#z"))


def to_utc(local: pl.Series, zone: str) -> pl.Series:
    """Convert local times to UTC, by the earlier offset where clocks show a time twice or never."""
    if zone == "UTC":
        return local.dt.replace_time_zone("UTC")
    try:
        instants = local.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null").dt.convert_time_zone(
            "UTC"
        )
    except pl.exceptions.ComputeError:
        return pl.repeat(None, len(local), dtype=INSTANT, eager=True)
    place = (instants.is_null() & local.is_not_null()).arg_true()
    if not len(place):
        return instants
    before = (local.gather(place) - _AN_OFFSET).dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
    return instants.scatter(place, before.dt.convert_time_zone("UTC") + _AN_OFFSET)


def are_unclear(local: pl.Series, zone: str) -> pl.Series:
    """Return which local times the clocks of a zone show twice or never, bool [n]."""
    early, late = (local.dt.replace_time_zone(zone, ambiguous=a, non_existent="null") for a in ("earliest", "latest"))
    return (early != late).fill_null(value=True) & local.is_not_null()


def _zoned(text: pl.Series, form: str) -> pl.Series:
    return text.str.to_datetime(form, strict=False, time_unit="us", time_zone="UTC")


def _local(text: pl.Series, form: str) -> pl.Series:
    return text.str.to_datetime(form, strict=False, time_unit="us")


def _from_any_iso(text: pl.Series, zone: str) -> pl.Series:
    part = text.str.extract_groups(_ANY_ISO).struct.unnest()
    two, zero = pl.lit("00"), pl.lit(0)
    day = pl.col("day").str.replace_all("-", "", literal=True)
    clock = [pl.col(name).fill_null(two) for name in ("hour", "minute", "second")]
    local = pl.concat_str(day, *clock, pl.lit("."), pl.col("fraction").str.slice(0, 6).fill_null("0"))
    east = pl.when(pl.col("sign") == "+").then(1).otherwise(-1)
    minutes = pl.col("hours").cast(pl.Int64) * 60 + pl.col("minutes").cast(pl.Int64).fill_null(zero)
    read = part.select(
        local=local.str.to_datetime("%Y%m%d%H%M%S%.f", strict=False, time_unit="us"),
        offset=pl.duration(minutes=pl.when(pl.col("utc").is_not_null()).then(0).otherwise(east * minutes)),
        zone="zone",
    )
    local_times = read["local"]
    for form, look in _RARE_DAYS.items():
        where = text.str.contains(look)
        local_times = local_times.zip_with(~where, _local(text, form)) if where.any() else local_times
    instants = to_utc(local_times, zone)
    for name in read.filter(pl.col("offset").is_null())["zone"].drop_nulls().unique():
        instants = instants.zip_with(read["zone"].ne_missing(name), to_utc(local_times, name))
    exact = (local_times - read["offset"]).dt.replace_time_zone("UTC")
    return instants.zip_with(read["offset"].is_null(), exact)
