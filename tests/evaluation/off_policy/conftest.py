from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

NOW = datetime(2026, 1, 1, tzinfo=UTC)
_INSTANT = pl.Datetime("us", "UTC")


@pytest.fixture
def shown():
    """Builds what was shown: a row is list, user, item, place, propensity, clicked; the lists are hours apart."""

    def build(rows):
        columns = ["list_id", "user_id", "item_id", "place", "propensity", "clicked"]
        frame = pl.DataFrame(rows, schema=columns, orient="row").with_columns(
            scenario=pl.lit(""),
            tuned=pl.lit(value=False),
            times=pl.lit(1),
            shown_at=NOW + pl.col("list_id") * timedelta(hours=1),
            liked_at=pl.lit(None, _INSTANT),
            completed_at=pl.lit(None, _INSTANT),
        )
        return frame.with_columns(viewed_at=pl.when(pl.col("clicked").cast(pl.Boolean)).then("shown_at"))

    return build


@pytest.fixture
def two_places(shown):
    """Four lists of four users, who are shown 7 and 8 unless chance shows 9 (from a pool of two) instead."""
    return shown(
        [
            (0, "a", 7, 1, 0.8, 1),
            (0, "a", 8, 2, 0.8, 0),
            (1, "b", 7, 1, 0.8, 0),
            (1, "b", 9, 2, 0.1, 1),
            (2, "c", 9, 1, 0.1, 1),
            (2, "c", 8, 2, 0.8, 1),
            (3, "d", 7, 1, 0.8, 1),
            (3, "d", 8, 2, 0.8, 0),
        ]
    )


@pytest.fixture
def lists_for():
    """Builds the same list for users a to d."""

    def build(*items):
        rows = [(user, item, rank) for user in "abcd" for rank, item in enumerate(items, start=1)]
        return pl.DataFrame(rows, schema=["user_id", "item_id", "rank"], orient="row")

    return build
