"""The item columns that filters may name: what they hold, and how their values are compared."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from keyword import iskeyword
from typing import Final, Literal

import polars as pl

from nightschool.columns import INSTANT, TEXT, WITHDRAWN
from nightschool.item_columns import ItemColumns

ITEM: Final = "item"
"""What columns are looked up in whose names are no words: `item["list price"]`."""

MOST_NAMES: Final = 20
"""The names that a message lists."""

CONSTANTS: Final[Mapping[str, bool | None]] = {"true": True, "false": False, "null": None}
"""How filters write the constants of Python, whose own names they know too."""

Comparable = str | int | float | bool | datetime
Holds = Literal["text", "level", "number", "flag", "time"]

_WORDS: Final[Mapping[Holds, str]] = {
    "text": "text",
    "level": "levels",
    "number": "numbers",
    "flag": "true or false",
    "time": "times",
}
_COMPARED: Final[Mapping[Holds, str]] = {
    "text": '== "Design"',
    "level": "<=",
    "number": "< 20",
    "flag": "== true",
    "time": '>= "2026-01-31"',
}
"""A comparison of a column, after its name."""


@dataclass(frozen=True)
class Column:
    """An item column that filters may name.

    Attributes:
        name: Its name in the items table.
        holds: What its values are.
        dtype: The dtype of a value as filters compare it.
        listed: Whether it holds several values an item.
        levels: The levels of an ordinal, lowest first.
    """

    name: str
    holds: Holds
    dtype: pl.DataType
    listed: bool = False
    levels: tuple[str, ...] = field(default=(), repr=False)

    @property
    def written(self) -> str:
        """Return the column as a filter names it."""
        plain = self.name.isidentifier() and not iskeyword(self.name) and self.name not in CONSTANTS
        return self.name if plain else f"{ITEM}[{quoted(self.name)}]"

    @property
    def held(self) -> str:
        """Return what an item's value is, in words."""
        return f"lists of {_WORDS[self.holds]}" if self.listed else _WORDS[self.holds]

    @property
    def usage(self) -> str:
        """Say how a filter compares the column."""
        if self.levels:
            return f"write {self.written} <= with one of {', '.join(map(quoted, self.levels[:MOST_NAMES]))}"
        compared = _COMPARED[self.holds]
        if self.listed:
            return f"write {compared.partition(' ')[2]} in {self.written}"
        return f"write {self.written} {compared}"

    def comparable(self, value: object) -> Comparable | None:
        """Return a filter's value as the column's prepared values are compared with it; None if it does not fit."""
        if isinstance(value, str):
            return self._comparable_text(value)
        if isinstance(value, bool):
            return value if self.holds == "flag" else None
        if self.holds != "number" or not isinstance(value, int | float):
            return None
        if self.dtype.is_float():
            return float(value)
        return int(value) if value == int(value) else value

    def _comparable_text(self, text: str) -> Comparable | None:
        if self.holds == "level":
            return self.levels.index(text) if text in self.levels else None
        if self.holds == "time":
            return _instant(text)
        return text if self.holds == "text" else None

    def prepared(self) -> pl.Expr:
        """Return the column as filters compare it: levels as ranks, no NaN, and a missing list as an empty one."""
        column = pl.col(self.name)
        if self.levels:
            ranks = {level: rank for rank, level in enumerate(self.levels)}
            return column.cast(pl.String).replace_strict(ranks, default=None, return_dtype=self.dtype)
        if self.listed:
            return column.cast(pl.List(self.dtype)).fill_null([])
        cast = column.cast(self.dtype)
        return cast.fill_nan(None) if self.dtype.is_float() else cast


def filter_columns(schema: pl.Schema, described: ItemColumns) -> dict[str, Column]:
    """Return the columns that filters may name, by name.

    Args:
        schema: Of the items; their joined texts, vectors, and whether they are withdrawn, are left out.
        described: Which of the columns are ordinals, and which are vectors.
    """
    names = [name for name in schema if name not in {TEXT, WITHDRAWN, *described.vectors}]
    found = {name: _column(name, schema[name], described.ordinals.get(name, ())) for name in names}
    return {name: column for name, column in found.items() if column is not None}


def quoted(text: str) -> str:
    """Return a text as a filter writes it."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _column(name: str, dtype: pl.DataType, levels: tuple[str, ...]) -> Column | None:
    """Return a column as filters see it; None for one that they cannot compare."""
    listed = isinstance(dtype, pl.List)
    one = pl.Series(dtype=dtype).explode().dtype if listed else dtype
    if levels:
        return Column(name, "level", pl.Int64(), levels=levels)
    if isinstance(one, pl.String | pl.Categorical | pl.Enum):
        return Column(name, "text", pl.String(), listed)
    if one.is_integer() or one.is_float():
        return Column(name, "number", pl.Int64() if one.is_integer() else pl.Float64(), listed)
    if isinstance(one, pl.Boolean) and not listed:
        return Column(name, "flag", one)
    if isinstance(one, pl.Datetime | pl.Date) and not listed:
        return Column(name, "time", INSTANT)
    return None


def _instant(text: str) -> datetime | None:
    """Parse a date or time of ISO 8601, UTC without an offset; None if it is none."""
    try:
        found = datetime.fromisoformat(text)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
