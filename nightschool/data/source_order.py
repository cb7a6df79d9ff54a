"""The order in which rows of interactions came: the order of time, where nothing else tells it."""

import re
from collections.abc import Sequence
from typing import Final

import polars as pl
from polars.selectors import by_name

from nightschool.columns import AVAILABLE_AT, EVENT, POSITION, SOURCE_FILE, SOURCE_ROW
from nightschool.data.manifest.manifest import Manifest

SEQUENCE: Final = (POSITION, AVAILABLE_AT)
"""What comes before the place in the source where rows are sequences: their position, and when they arrived."""

_DIGITS: Final = re.compile(r"(\d+)")


def sequence_columns(manifest: Manifest) -> list[str]:
    """List the columns that order rows before their place in the source does, as the manifest says."""
    by_position = any(part.position for part in manifest.interactions)
    ordered = any(part.ordered for part in manifest.interactions)
    return [name for name in SEQUENCE if ordered and (by_position or name != POSITION)]


def in_source_order(interactions: pl.LazyFrame, first: Sequence[str], needed: Sequence[str]) -> pl.DataFrame:
    """Select columns of the interactions, in the order of files by name, numbers in it by their value, and of rows.

    Args:
        interactions: Rows of the interactions table.
        first: The columns that order rows before their file does.
        needed: The columns to select.
    """
    columns = dict.fromkeys([*needed, *first, SOURCE_FILE, SOURCE_ROW])
    repeated = by_name(SOURCE_FILE, EVENT, require_all=False).cast(pl.Categorical)  # a long log needs narrow columns
    rows = interactions.select(*columns).with_columns(repeated).collect()
    names = sorted(rows[SOURCE_FILE].unique().cast(pl.String).to_list(), key=_by_number)
    rows = rows.with_columns(pl.col(SOURCE_FILE).cast(pl.Enum(names)))
    return rows.sort(*first, SOURCE_FILE, SOURCE_ROW).select(needed)


def _by_number(name: str) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in _DIGITS.split(name)]
