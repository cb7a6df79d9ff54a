"""Frames that a report is made of."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl

START = datetime(2024, 1, 1, tzinfo=UTC)


def metrics(rows: list[tuple[str, str, str, float, float | None, float | None]]) -> pl.DataFrame:
    """Rows of the metrics table: split, model, segment, ndcg@10, and the ends of its interval."""
    columns = ["split", "model", "segment", "value", "ci_low", "ci_high"]
    frame = pl.DataFrame(rows, schema=columns, orient="row")
    return frame.with_columns(
        pl.lit("ndcg").alias("metric"), pl.lit(10, pl.Int32).alias("k"), pl.lit(20).alias("n_users")
    )


def events(n: int = 2_000, **columns: object) -> pl.DataFrame:
    """Interactions of 50 users with 20 items within eight weeks, most of them at nine in the morning."""
    rng = np.random.default_rng(0)
    hours = np.where(rng.random(n) < 0.5, 9, rng.integers(0, 24, n))
    when = zip(rng.integers(0, 56, n).tolist(), hours.tolist(), strict=True)
    at = [START + timedelta(days=day, hours=hour) for day, hour in when]
    made = {
        "user_id": rng.integers(1, 51, n),
        "item_id": np.minimum(rng.geometric(0.15, n), 20),
        "timestamp": pl.Series(at, dtype=pl.Datetime("us", "UTC")),
        "event": rng.choice(["viewed", "liked"], n, p=[0.9, 0.1]),
        "duration_seconds": rng.lognormal(5, 1.5, n),
        "liked": rng.random(n) < 0.3,
        "rating": pl.Series([None] * n, dtype=pl.Float64),
    }
    return pl.DataFrame({**made, **columns})
