"""Frames that a report is made of."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl

_RATES = {"viewed_at": 0.5, "liked_at": 0.2, "completed_at": 0.1, "rejected_at": 0.1}
INSTANT = pl.Datetime("us", "UTC")
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


def shown(n: int) -> pl.DataFrame:
    """Lists of four places, shown to 20 users within four weeks; the first places are clicked most."""
    rng = np.random.default_rng(0)
    place = np.arange(n) % 4 + 1
    at = pl.Series([START + timedelta(hours=int(hour)) for hour in rng.integers(0, 600, n)], dtype=INSTANT)
    after = {name: pl.when(pl.Series(rng.random(n) < rate / place)).then(at) for name, rate in _RATES.items()}
    return pl.select(
        list_id=pl.Series([f"l{row // 4}" for row in range(n)]),
        user_id=pl.Series(np.arange(n) // 4 % 20),
        item_id=pl.Series(rng.integers(0, 30, n)),
        place=pl.Series(place),
        scenario=pl.Series(["hero" if row // 4 % 3 else "" for row in range(n)]),
        release_id=pl.Series(["2024-01-01-a" if row // 4 % 2 else "2024-01-02-b" for row in range(n)]),
        arms=pl.Series(["{}"] * n),
        tuned=pl.Series([False] * n),
        propensity=pl.Series([1.0] * n),
        source=pl.Series(["ease"] * n),
        shown_at=at,
        times=pl.Series([1] * n),
        **after,
    )
