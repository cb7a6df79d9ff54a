import numpy as np
import polars as pl

from nightschool.columns import INSTANT, ITEM_ID, ITEM_INDEX, SCORE, TIMESTAMP, USER_ID, USER_INDEX
from nightschool.contract import Dataset
from nightschool.evaluation.segments import activity_segments, attribute_segments, segments


def dataset(lengths: list[int], roles: list[str | None] | None = None) -> Dataset:
    """Users by the length of their history."""
    users = np.repeat(np.arange(len(lengths)), lengths)
    items = np.concatenate([np.arange(length) for length in lengths])
    frame = pl.DataFrame(
        {
            USER_INDEX: pl.Series(users, dtype=pl.Int32),
            ITEM_INDEX: pl.Series(items, dtype=pl.Int32),
            SCORE: pl.Series(np.ones(len(users)), dtype=pl.Float32),
            TIMESTAMP: pl.Series([None] * len(users), dtype=INSTANT),
        }
    )
    ids = pl.DataFrame({USER_ID: range(len(lengths))}).with_columns(
        pl.Series("role", roles or [None] * len(lengths), dtype=pl.String)
    )
    n_items = max(lengths) + 1
    catalogue = pl.DataFrame({ITEM_ID: range(n_items)})
    return Dataset(
        ids[USER_ID], catalogue[ITEM_ID], frame, ids, catalogue, np.ones(n_items, dtype=bool), audience=roles and "role"
    )


def test_activity_is_the_length_of_the_history() -> None:
    named = activity_segments(dataset([0, 1, 4, 5, 19, 20, 99, 100, 250]))
    assert named.to_list() == [
        "cold",
        "new",
        "new",
        "casual",
        "casual",
        "regular",
        "regular",
        "power",
        "power",
    ]


def test_segments_are_masks_by_name() -> None:
    found = segments(dataset([0, 2, 7]))
    assert {name: mask.tolist() for name, mask in found.items()} == {
        "all": [True, True, True],
        "activity:cold": [True, False, False],
        "activity:new": [False, True, False],
        "activity:casual": [False, False, True],
    }


def test_an_audience_needs_fifty_users() -> None:
    roles: list[str | None] = ["Junior"] * 50 + ["Lead"] * 49 + [None] * 60
    found = segments(dataset([1] * 159, roles))
    assert set(found) == {"all", "activity:new", "audience:Junior"}
    assert found["audience:Junior"].sum() == 50


def test_every_other_attribute_has_its_large_values_and_the_rest_together() -> None:
    made = dataset([1] * 300, ["x"] * 300)
    teams = ["red"] * 120 + ["blue"] * 60 + [f"team {number}" for number in range(60)] + [None] * 60
    users = made.users.with_columns(team=pl.Series(teams), city=pl.Series(["a"] * 49 + [None] * 251, dtype=pl.String))
    found = attribute_segments(users, made.audience)
    assert {name: int(mask.sum()) for name, mask in found.items()} == {
        "team:blue": 60,
        "team:red": 120,
        "team:others": 60,
    }


def test_of_an_attribute_with_many_values_the_twenty_largest_stand_alone() -> None:
    made = dataset([1] * 1_250)
    users = made.users.with_columns(team=pl.Series([f"{number % 25:02}" for number in range(1_250)]))
    found = attribute_segments(users, made.audience)
    assert len(found) == 21
    assert found["team:others"].sum() == 250
