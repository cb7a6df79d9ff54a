"""Frames of two tables, for tests of the lake."""

from datetime import UTC, datetime

import polars as pl

from nightschool.columns import AVAILABLE_AT, ITEM_ID, RELEASE_ID, USER_ID

NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)


def users(*ids: int, **columns: object) -> pl.DataFrame:
    frame = pl.DataFrame({USER_ID: ids, AVAILABLE_AT: [NOON] * len(ids)}, schema_overrides={USER_ID: pl.Int64})
    return frame.with_columns(pl.col(AVAILABLE_AT).cast(pl.Datetime("us", "UTC"))).with_columns(**columns)


def pool(release_id: str, users_: list[int], **components: float) -> pl.DataFrame:
    columns = {name: pl.lit(value, pl.Float32) for name, value in components.items()}
    return (
        pl.DataFrame({RELEASE_ID: [release_id] * len(users_), USER_ID: users_, ITEM_ID: ["i"] * len(users_)})
        .cast({USER_ID: pl.Int64})
        .with_columns(**columns)
    )
