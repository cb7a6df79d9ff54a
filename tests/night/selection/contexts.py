"""Users whose choices follow the device, and an hour that says nothing."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import polars as pl

from models.catalog import build
from nightschool.columns import INSTANT, ITEM_INDEX, RELEVANT, SCORE, TIMESTAMP, USER_INDEX
from nightschool.contract import Blended, Dataset, Split
from nightschool.recipe import Component, Recipe
from nightschool.testing.datasets import make_dataset

N_USERS, N_ITEMS, N_CHOICES = 400, 40, 12
POPULARITY = Recipe(components=(Component(model="popularity"),))


def planted(effect: float, seed: int = 3) -> Split:
    """On a phone, odd items are chosen exp(effect) times as often, on a desk as rarely; the last choice is held out."""
    rng = np.random.default_rng(seed)
    rows = []
    for user in range(N_USERS):
        phones = rng.random(N_CHOICES + 1) < rng.beta(2, 2)
        left = np.arange(N_ITEMS)
        for phone in phones:
            weights = np.exp(np.where(left % 2, effect, 0.0) * (1 if phone else -1))
            item = int(rng.choice(left, p=weights / weights.sum()))
            left = left[left != item]
            rows.append((user, item, "phone" if phone else "desk", int(rng.integers(24))))
    frame = pl.DataFrame(rows, schema=[USER_INDEX, ITEM_INDEX, "device", "at"], orient="row")
    start = pl.lit(datetime(2024, 1, 1, tzinfo=UTC)).cast(INSTANT)
    frame = frame.with_columns(
        pl.col(USER_INDEX, ITEM_INDEX).cast(pl.Int32),
        pl.lit(1.0, pl.Float32).alias(SCORE),
        (start + pl.col("at") * pl.duration(hours=1)).alias(TIMESTAMP),
    ).drop("at")
    last = pl.Series(np.arange(frame.height) % (N_CHOICES + 1) == N_CHOICES)
    fitted = frame.filter(~last).sort(USER_INDEX, ITEM_INDEX)
    held_out = frame.filter(last).with_columns(pl.lit(value=True).alias(RELEVANT))
    return Split("validation", "leave-last", replace(make_dataset([], N_USERS, N_ITEMS), interactions=fitted), held_out)


def popular(dataset: Dataset) -> Blended:
    return build(POPULARITY).fit(dataset, seed=1)
