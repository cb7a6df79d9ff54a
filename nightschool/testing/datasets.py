"""Datasets small enough to reason about, one of them with an answer that is known beforehand."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

import numpy as np
import polars as pl

from nightschool.columns import INSTANT, ITEM_ID, ITEM_INDEX, SCORE, TEXT, TIMESTAMP, TITLE, USER_ID, USER_INDEX
from nightschool.contract import Dataset
from nightschool.item_columns import ItemColumns

Pairs = Sequence[tuple[int, int, float]]
"""(user index, item index, score)."""

_START: Final = datetime(2024, 1, 1, tzinfo=UTC)
_PAIRS_SCHEMA: Final = {USER_INDEX: pl.Int32, ITEM_INDEX: pl.Int32, SCORE: pl.Float32}


def make_dataset(pairs: Pairs, n_users: int, n_items: int) -> Dataset:
    """Build a dataset without item descriptions, one pair an hour, with scores from 0 to 5.

    User ids are "user 0", "user 1", …; item ids are 100, 101, ….
    """
    sorted_pairs = pl.DataFrame(sorted(pairs), schema=_PAIRS_SCHEMA, orient="row")
    times = pl.lit(_START).cast(INSTANT) + pl.int_range(pl.len()) * pl.duration(hours=1)
    user_ids = pl.Series(USER_ID, [f"user {user}" for user in range(n_users)])
    item_ids = pl.Series(ITEM_ID, range(100, 100 + n_items))
    return Dataset(
        user_ids=user_ids,
        item_ids=item_ids,
        interactions=sorted_pairs.with_columns(times.alias(TIMESTAMP)),
        users=user_ids.to_frame(),
        items=pl.DataFrame({ITEM_ID: item_ids, TITLE: None, TEXT: None}),
        available=np.ones(n_items, dtype=np.bool_),
        score_range=(0.0, 5.0),
    )


def two_tastes() -> Dataset:
    """Return 42 users and 22 items of two tastes; user u likes items of taste u % 2, and half a dozen are unseen.

    Items 0 to 9 are about algebra and 10 to 19 about painting. Users 0 to 39 like seven items of their taste (score 5)
    and dislike two of the other (score 0). User 40 has seen everything, user 41 nothing. Item 20 is a painting without
    interactions, item 21 is algebra that is not available.
    """
    rng = np.random.default_rng(0)
    pairs: list[tuple[int, int, float]] = []
    for user in range(40):
        liked = rng.choice(10, 7, replace=False) + 10 * (user % 2)
        disliked = rng.choice(10, 2, replace=False) + 10 * (1 - user % 2)
        pairs += [(user, int(item), 5.0) for item in liked]
        pairs += [(user, int(item), 0.0) for item in disliked]
    pairs += [(40, item, 3.0) for item in range(22)]
    dataset = make_dataset(pairs, n_users=42, n_items=22)
    paints = np.array([10 <= item <= 20 for item in range(22)])
    available = np.arange(22) != 21
    available.setflags(write=False)  # many tests share it
    return replace(
        dataset,
        items=dataset.items.with_columns(
            pl.Series(TEXT, np.where(paints, "painting with oil colours", "algebra of vectors and matrices")),
            pl.Series("domain", np.where(paints, "Art", "Mathematics")),
        ),
        available=available,
        item_columns=ItemColumns(categories=("domain",)),
    )
