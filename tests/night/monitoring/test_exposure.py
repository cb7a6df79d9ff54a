from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from nightschool.contract import Dataset
from nightschool.item_columns import ItemColumns
from nightschool.night.monitoring.exposure import item_groups, measure_exposure
from tests.data.logs import day

N_ITEMS = 40
UNKNOWN = pl.Series([None] * N_ITEMS, dtype=pl.Datetime("us", "UTC"))


@pytest.fixture
def dataset() -> Dataset:
    """Forty items, of which item 0 has the most users; thirty are red, six blue, three green, one has no colour."""
    pairs = [(user, item) for item in range(N_ITEMS) for user in range(N_ITEMS - item)]
    log = pl.DataFrame(pairs, schema=["user_id", "item_id"], orient="row")
    colours = ["red"] * 30 + ["blue"] * 6 + ["green"] * 3 + [None]
    made = Dataset.from_frames(log, items=pl.DataFrame({"item_id": range(N_ITEMS), "colour": colours}))
    return replace(made, item_columns=ItemColumns(categories=("colour",)))


def lists(*rows: tuple[int, int, int]) -> pl.DataFrame:
    schema = {"user_id": pl.Int64, "item_id": pl.Int64, "rank": pl.Int32}
    return pl.DataFrame(rows, schema=schema, orient="row")


def sizes(dataset, births=UNKNOWN):
    return {name: int(members.sum()) for name, members in item_groups(dataset, births, day(100)).items()}


def test_items_are_grouped_by_category_popularity_and_age(dataset):
    assert sizes(dataset) == {
        "colour:red": 30,
        "colour:blue": 6,
        "colour:others": 3,
        "popularity:top 5 %": 2,
        "popularity:next 15 %": 6,
        "popularity:other 80 %": 32,
    }
    births = pl.Series([day(90)] * 4 + [day(1)] * 35 + [None], dtype=UNKNOWN.dtype)
    assert {name: n for name, n in sizes(dataset, births).items() if name.startswith("age")} == {
        "age:below 30 days": 4,
        "age:older": 36,
    }
    top = item_groups(dataset, UNKNOWN, day(100))["popularity:top 5 %"]
    assert sorted(dataset.item_ids.filter(pl.Series(top))) == [0, 1]


def test_only_available_items_count(dataset):
    available = dataset.available.copy()
    available[dataset.item_ids.to_list().index(0)] = False
    top = item_groups(replace(dataset, available=available), UNKNOWN, day(100))["popularity:top 5 %"]
    assert sorted(dataset.item_ids.filter(pl.Series(top))) == [1, 2]


def test_shares_by_hand(dataset):
    groups = {"even": np.array([item % 2 == 0 for item in dataset.item_ids])}
    tonight = lists((1, 0, 1), (1, 1, 2), (2, 2, 1), (2, 4, 2), (2, 6, 11))
    found = {one.metric: one for one in measure_exposure(tonight, dataset, groups)}
    assert found["exposure"].value == pytest.approx(3 / 4)
    assert (found["exposure"].segment, found["exposure"].n_users, found["exposure"].k) == ("even", 2, 10)
    low, high = found["exposure"].interval
    assert 0.5 <= low <= 0.75 <= high <= 1
    assert found["offered_share"].value == 0.5
    assert found["chosen_share"].value == pytest.approx(sum(range(2, 41, 2)) / sum(range(1, 41)))


def test_no_lists_are_no_figures(dataset):
    assert list(measure_exposure(lists(), dataset, item_groups(dataset, UNKNOWN, day(100)))) == []
