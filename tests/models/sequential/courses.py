"""Learners who take courses one after the other, mostly along a line."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from nightschool.columns import ITEM_INDEX, TIMESTAMP, USER_INDEX
from nightschool.contract import Dataset

N_USERS, N_ITEMS = 60, 25
FOLLOW = dict.fromkeys(("one item", "one user and one item", "one pair", "only dislikes"), "follow one another")
"""Difficult data in which nothing follows anything."""
_START = datetime(2024, 1, 1, tzinfo=UTC)


def courses() -> Dataset:
    """Each learner begins somewhere and goes on to one of the next three courses, now and then elsewhere."""
    rng = np.random.default_rng(3)
    rows = []
    for user in range(N_USERS):
        item, taken = int(rng.integers(N_ITEMS)), set()
        for step in range(int(rng.integers(3, 10))):
            if item not in taken:
                rows.append({"user_id": user, "item_id": item, "timestamp": _START + timedelta(days=step, hours=user)})
            taken.add(item)
            far = rng.random() < 0.1
            item = int(rng.integers(N_ITEMS)) if far else (item + int(rng.integers(1, 4))) % N_ITEMS
    return Dataset.from_frames(pl.DataFrame(rows))


def sequences(dataset: Dataset) -> Iterator[NDArray[np.int32]]:
    """Yield each learner's items, oldest first."""
    ordered = dataset.interactions.sort(USER_INDEX, TIMESTAMP)
    for _, own in ordered.group_by(USER_INDEX, maintain_order=True):
        yield own[ITEM_INDEX].to_numpy()


def pasts_and_nexts(
    dataset: Dataset, recency: float, horizon: int, ahead: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Build A and F row by row, [n_places, n_items]."""
    pasts, nexts = [], []
    for items in sequences(dataset):
        for place in range(1, len(items)):
            past, following = np.zeros(dataset.n_items), np.zeros(dataset.n_items)
            for earlier in range(place):
                past[items[earlier]] += np.exp(-(place - 1 - earlier) / recency)
            for later in range(place, min(place + horizon, len(items))):
                following[items[later]] += ahead ** (later - place)
            pasts.append(past)
            nexts.append(following)
    return np.array(pasts), np.array(nexts)
