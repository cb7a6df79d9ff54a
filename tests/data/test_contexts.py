from datetime import UTC, datetime

import numpy as np
import polars as pl

from nightschool.columns import INSTANT, TIMESTAMP
from nightschool.data.contexts import (
    LEAST_SUPPORT,
    LEAST_USERS,
    MOST_VALUES,
    context_values,
    encode,
    known_values,
    values_at,
)

SUNDAY_LATE = datetime(2024, 6, 30, 22, 30, tzinfo=UTC)
TIMES = pl.Series(TIMESTAMP, [SUNDAY_LATE, None], dtype=INSTANT)


def test_hour_and_weekday_are_those_of_the_zone() -> None:
    rows = pl.DataFrame([TIMES, pl.Series("device", ["phone", None], dtype=pl.Categorical)])
    found = context_values(rows, ("device",), "Europe/Berlin")
    assert {name: values.to_list() for name, values in found.items()} == {
        "hour": ["0", None],
        "weekday": ["monday", None],
        "device": ["phone", None],
    }
    assert context_values(rows, (), "UTC")["weekday"].to_list() == ["sunday", None]


def test_an_instant_has_the_values_of_its_rows() -> None:
    for zone in ("UTC", "Europe/Berlin", "America/New_York"):
        rows = context_values(TIMES.to_frame(), (), zone)
        assert values_at(SUNDAY_LATE, zone) == {name: values[0] for name, values in rows.items()}


def test_data_without_times_have_declared_contexts_alone() -> None:
    rows = pl.DataFrame({TIMESTAMP: pl.Series([None], dtype=INSTANT), "place": ["home"]})
    assert list(context_values(rows, ("place",), "UTC")) == ["place"]


def known(values: list[str | None], n_users: int = LEAST_USERS) -> list[str]:
    return known_values(pl.Series(values, dtype=pl.String), np.arange(len(values), dtype=np.int32) % n_users)


def test_values_are_told_apart_that_are_frequent_enough() -> None:
    often: list[str | None] = ["b"] * LEAST_SUPPORT + ["a"] * LEAST_SUPPORT
    assert known([*often, "c", None]) == ["a", "b"]
    assert known(["a"] * 100) == []
    many: list[str | None] = [f"{value:03}" for value in range(MOST_VALUES + 9) for _ in range(LEAST_SUPPORT)]
    assert known(many) == [f"{value:03}" for value in range(MOST_VALUES)]


def test_a_value_that_only_few_people_have_is_not_known() -> None:
    often: list[str | None] = ["web"] * 100 + ["app"] * 100
    users = np.array([*range(100), *range(100), *([7] * 50)], dtype=np.int32)
    values = pl.Series([*often, *["4 Elm Street"] * 50])
    assert known_values(values, users) == ["app", "web"]


def test_unknown_values_have_no_code() -> None:
    assert encode(pl.Series(["b", "x", None, "a"]), ["a", "b"]).tolist() == [1, -1, -1, 0]
    assert encode(pl.Series(["b", None], dtype=pl.String), []).tolist() == [-1, -1]
