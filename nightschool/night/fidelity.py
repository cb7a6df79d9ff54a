"""Reasons why a backfilled night may see other data than a night on time."""

from datetime import datetime
from typing import Final

import polars as pl

from nightschool.columns import (
    ARRIVED_AT,
    AVAILABLE_AT,
    FILE,
    INTERACTIONS,
    ROWS,
    SOURCE_FILE,
    SOURCE_ROW,
    SOURCES,
    STATE,
    TABLE,
)
from nightschool.data.feedback_source import is_feedback
from nightschool.data.manifest.manifest import Manifest
from nightschool.data.readers.sql import Sql
from nightschool.storage.lake import Lake

MAY_DIFFER: Final = "hashes may differ from a night on time"
"""The end of every warning about it."""


def find_doubts(lake: Lake, manifest: Manifest, as_of: datetime) -> list[str]:
    """Return the reasons why the tables as of T may differ from those of a night on time, as sentences.

    Rows of files are known from their arrival, which the files record. Rows of a query, and of files whose rows stand
    in the order of time, are known from when they were read. In a log of the past a row is known from its own time,
    whenever its file arrived.
    """
    doubts = []
    queried = [part for part in manifest.interactions if isinstance(part.format, Sql) and not is_feedback(part)]
    if not manifest.history and manifest.arrival == "read":
        doubts.append(f'rows count from when they were read (arrival = "read"): {MAY_DIFFER}')
    elif not manifest.history and any(part.order == "file" for part in manifest.interactions):
        doubts.append(f'rows count from when they were read (order = "file"): {MAY_DIFFER}')
    elif not manifest.history and queried:
        doubts.append(f"rows of a query count from when they were read: {MAY_DIFFER}")
    if manifest.history and _came_later(lake, as_of):
        doubts.append(f"rows of a log of the past were known by their time before their files arrived: {MAY_DIFFER}")
    return doubts


def _came_later(lake: Lake, as_of: datetime) -> bool:
    """Return whether a file that arrived after T brought interactions that are known at T."""
    entries = lake.scan(SOURCES).filter(pl.col(TABLE) == INTERACTIONS.name, pl.col(STATE).is_null())
    reached = entries.select(FILE, ROWS, ARRIVED_AT).sort(FILE, ROWS)
    spans = reached.with_columns(pl.col(ROWS).shift(1, fill_value=0).over(FILE).alias("before"))
    late = spans.filter(pl.col(ARRIVED_AT) > as_of).rename({FILE: SOURCE_FILE})
    known = lake.scan(INTERACTIONS).filter(pl.col(AVAILABLE_AT) <= as_of).select(SOURCE_FILE, SOURCE_ROW)
    rows = known.join(late, on=SOURCE_FILE).filter(
        pl.col(SOURCE_ROW) > pl.col("before"), pl.col(SOURCE_ROW) <= pl.col(ROWS)
    )
    return not rows.head(1).collect().is_empty()
