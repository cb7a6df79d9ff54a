from collections import Counter
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from nightschool.columns import NEXT_ITEMS
from nightschool.contract import Dataset
from nightschool.night.release import next_items as module
from nightschool.night.release.next_items import MIN_SUPPORT, WINDOW, next_items
from tests.models.sequential.courses import courses, sequences


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return courses()


def counted(dataset: Dataset) -> tuple[Counter[tuple[int, int]], Counter[int]]:
    """Users by pairs of items and by item, by plain loops."""
    pairs, takers = Counter[tuple[int, int]](), Counter[int]()
    for items in sequences(dataset):
        takers.update(items.tolist())
        for place, item in enumerate(items.tolist()):
            pairs.update((item, later) for later in items[place + 1 : place + 1 + WINDOW].tolist())
    return pairs, takers


def test_support_counts_the_users_who_went_on_and_share_is_of_those_who_took_the_first(dataset: Dataset) -> None:
    pairs, takers = counted(dataset)
    ids = dataset.item_ids.to_list()
    expected = {
        (ids[item], ids[later]): (n, np.float32(n / takers[item]))
        for (item, later), n in pairs.items()
        if n >= MIN_SUPPORT
    }
    found = next_items(dataset)
    rows = {(item, later): (n, np.float32(share)) for item, later, _, n, share in found.iter_rows()}
    assert len(rows) > 20
    assert rows == expected
    assert found.schema == {
        name: dtype
        for name, dtype in NEXT_ITEMS.schema(user_id=pl.Int64(), item_id=pl.Int64()).items()
        if name != "release_id"
    }


def test_rows_are_ranked_by_support(dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    found = next_items(dataset)
    assert found.equals(found.sort("item_id", "rank"))
    for _, own in found.group_by("item_id"):
        assert own["rank"].to_list() == list(range(1, own.height + 1))
        assert own["support"].to_list() == sorted(own["support"], reverse=True)
    monkeypatch.setattr(module, "NEXT_ITEMS", 2)
    assert next_items(dataset).equals(found.filter(pl.col("rank") <= 2))


def test_fewer_than_three_users_are_invisible(dataset: Dataset) -> None:
    two = dataset.interactions.filter(pl.col("user_index") < MIN_SUPPORT - 1)
    assert next_items(replace(dataset, interactions=two)).is_empty()


def test_what_cannot_be_had_follows_nothing(dataset: Dataset) -> None:
    gone = next_items(dataset)["neighbor_id"][0]
    available = dataset.item_ids.to_numpy() != gone
    found = next_items(replace(dataset, available=available))
    assert gone not in found["neighbor_id"]
    assert gone in found["item_id"]


@pytest.mark.parametrize("drop", [True, False], ids=["no column", "nulls"])
def test_without_an_order_nothing_is_next(drop: bool, dataset: Dataset) -> None:
    pairs = dataset.interactions
    bare = pairs.drop("timestamp") if drop else pairs.with_columns(timestamp=pl.lit(None, pairs["timestamp"].dtype))
    assert next_items(replace(dataset, interactions=bare)).equals(next_items(dataset).clear())
    by_file = next_items(replace(dataset, interactions=bare, ordered=True))
    assert by_file.height > 0
