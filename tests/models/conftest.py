"""Datasets small enough to reason about, two of them with an answer that is known beforehand."""

from collections.abc import Callable
from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest

from nightschool.columns import INSTANT
from nightschool.contract import Dataset
from nightschool.item_columns import ItemColumns

Pairs = list[tuple[int, int, float]]

START = datetime(2024, 1, 1, tzinfo=UTC)


def make_dataset(pairs: Pairs, n_users: int, n_items: int) -> Dataset:
    """A dataset without item descriptions from (user, item, score), one pair an hour."""
    interactions = pl.DataFrame(
        sorted(pairs),
        schema={"user_index": pl.Int32, "item_index": pl.Int32, "score": pl.Float32},
        orient="row",
    ).with_columns(timestamp=pl.lit(START).cast(INSTANT) + pl.int_range(pl.len()) * pl.duration(hours=1))
    user_ids = pl.Series("user_id", [f"user {user}" for user in range(n_users)])
    item_ids = pl.Series("item_id", range(100, 100 + n_items))
    return Dataset(
        user_ids=user_ids,
        item_ids=item_ids,
        interactions=interactions,
        users=user_ids.to_frame(),
        items=pl.DataFrame({"item_id": item_ids, "title": None, "text": None}),
        available=np.ones(n_items, dtype=np.bool_),
        score_range=(0.0, 5.0),
    )


@pytest.fixture(scope="session")
def dataset_of() -> Callable[[Pairs, int, int], Dataset]:
    return make_dataset


@pytest.fixture(scope="session")
def planted() -> Dataset:
    """Two tastes: user u likes seven of the ten items of block u % 2 and dislikes two of the other block.

    Items 0 to 9 are about algebra and 10 to 19 about painting. User 40 has seen everything, user 41 nothing. Item 20
    is painting that nobody has met, item 21 is algebra that is not available.
    """
    rng = np.random.default_rng(0)
    pairs: Pairs = []
    for user in range(40):
        liked = rng.choice(10, 7, replace=False) + 10 * (user % 2)
        disliked = rng.choice(10, 2, replace=False) + 10 * (1 - user % 2)
        pairs += [(user, int(item), 5.0) for item in liked]
        pairs += [(user, int(item), 0.0) for item in disliked]
    pairs += [(40, item, 3.0) for item in range(22)]
    dataset = make_dataset(pairs, n_users=42, n_items=22)
    paints = np.array([10 <= item <= 20 for item in range(22)])
    items = dataset.items.with_columns(
        text=pl.Series(np.where(paints, "painting with oil colours", "algebra of vectors and matrices")),
        domain=pl.Series(np.where(paints, "Art", "Mathematics")),
    )
    available = np.arange(22) != 21
    available.setflags(write=False)  # it is shared by all tests
    return Dataset(
        dataset.user_ids,
        dataset.item_ids,
        dataset.interactions,
        dataset.users,
        items,
        available,
        ItemColumns(categories=("domain",)),
        score_range=(0.0, 5.0),
    )
