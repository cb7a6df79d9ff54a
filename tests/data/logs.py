"""Logs of events that are small enough to count."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import polars as pl

from nightschool.columns import AVAILABLE_AT, INSTANT, ITEM_ID, SOURCE_FILE, SOURCE_ROW, TIMESTAMP, USER_ID
from nightschool.data.build_log import build_event_log
from nightschool.data.dataset import EventLog
from nightschool.data.manifest.manifest import Manifest

START = datetime(2024, 1, 1, tzinfo=UTC)
IMPLICIT = Manifest.model_validate(
    {"name": "plain", "score": "implicit", "interactions": {"files": ["x"], "user": "u", "item": "i"}}
)

Row = tuple[int, int, float | None]


def day(number: float) -> datetime:
    return START + timedelta(days=number)


def as_ingested(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows of one file in this order, known from the start; without times where they bring none."""
    times = pl.col(TIMESTAMP) if TIMESTAMP in rows.columns else pl.lit(None)
    return rows.with_columns(
        times.cast(INSTANT).alias(TIMESTAMP),
        pl.lit(START).cast(INSTANT).alias(AVAILABLE_AT),
        pl.lit("file").alias(SOURCE_FILE),
        pl.int_range(pl.len(), dtype=pl.Int64).alias(SOURCE_ROW),
    )


def frame_of(rows: Sequence[Row]) -> pl.DataFrame:
    """Rows of user, item, day."""
    days = pl.DataFrame(rows, schema=[USER_ID, ITEM_ID, "day"], orient="row", infer_schema_length=None)
    times = [None if number is None else day(number) for number in days["day"]]
    return as_ingested(days.drop("day").with_columns(pl.Series(TIMESTAMP, times, dtype=INSTANT)))


def log_of(rows: Sequence[Row], held_out: Sequence[Row] | None = None) -> EventLog:
    """Rows of user, item, day, and those of a given hold-out."""
    given = None if held_out is None else frame_of(held_out)
    return build_event_log(None, None, frame_of(rows), IMPLICIT, held_out=given)
