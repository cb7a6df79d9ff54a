from datetime import timedelta

import polars as pl
import pytest

from nightschool.data.manifest.sections import Interactions
from nightschool.night.monitoring.drift import measure_drift
from tests.data.logs import day

PART = Interactions.model_validate({"files": ["x"], "user": "u", "item": "i", "event": "e"})
SINCE, AS_OF = day(30), day(31)


def events(start: float, n: int, *, kinds: tuple[str, ...] = ("view", "done"), minutes: float | None = 5.0):
    columns = {
        "item_id": [number % 7 for number in range(n)],
        "timestamp": [day(start) + timedelta(seconds=number) for number in range(n)],
        "available_at": [day(start) + timedelta(seconds=number) for number in range(n)],
        "event": [kinds[number % len(kinds)] for number in range(n)],
        "duration_seconds": pl.Series([minutes] * n, dtype=pl.Float64),
        "liked": pl.Series([None] * n, dtype=pl.Boolean),
        "rating": pl.Series([None] * n, dtype=pl.Float64),
    }
    return pl.LazyFrame(columns)


def measured(*parts: pl.LazyFrame) -> dict[tuple[str, str], float]:
    figures = measure_drift(pl.concat(parts), PART, SINCE, AS_OF)
    return {(figure.metric, figure.segment): figure.value for figure in figures}


def test_events_like_those_before_have_no_drift():
    found = measured(events(10, 500), events(30.5, 100))
    assert found["new_events", "all"] == 100
    assert found["psi", "event"] == 0
    assert found["psi", "item"] == 0
    assert found["missing_values", "duration_seconds"] == 0


def test_a_kind_that_stays_away_and_a_silent_sensor_are_seen():
    found = measured(events(10, 500), events(30.5, 100, kinds=("view",), minutes=None))
    assert found["psi", "event"] > 0.25
    assert found["missing_values", "duration_seconds"] == 1


def test_what_is_chosen_no_longer_is_seen():
    few = events(30.5, 200).with_columns(item_id=pl.col("item_id") % 2)
    assert measured(events(10, 500), few)["psi", "item"] > 0.25


@pytest.mark.parametrize("outside", [1.0, 31.5])
def test_only_four_weeks_before_and_what_is_known_count(outside):
    assert measured(events(10, 500), events(30.5, 100), events(outside, 900, kinds=("view",))) == measured(
        events(10, 500), events(30.5, 100)
    )


def test_a_night_without_news_counts_none():
    assert measured(events(10, 500)) == {("new_events", "all"): 0}
    assert measured(events(30.5, 7)) == {("new_events", "all"): 7}
