from dataclasses import replace

import numpy as np
import polars as pl

from models.neural.contexts import Contexts, rows_of
from nightschool.contract import Dataset
from nightschool.testing.datasets import make_dataset

N_USERS, N_ITEMS = 12, 10


def with_devices() -> Dataset:
    """Users 0 to 5 like on the mobile, others on the desktop; item 0 is disliked; of item 1 no device is known."""
    pairs = [(user, item, 5.0 if item else 0.0) for user in range(N_USERS) for item in range(N_ITEMS)]
    dataset = make_dataset(pairs, N_USERS, N_ITEMS)
    frame = dataset.interactions.with_columns(
        device=pl.when(pl.col("item_index") == 1)
        .then(None)
        .when(pl.col("user_index") < 6)
        .then(pl.lit("mobile"))
        .otherwise(pl.lit("desktop"))
        .cast(pl.Categorical),
        place=pl.lit("home").cast(pl.Categorical),
    )
    return replace(dataset, interactions=frame)


def test_codes_are_those_of_likes_and_a_context_of_one_value_says_nothing() -> None:
    codes, values = Contexts.of(with_devices())
    assert values.tolist() == [["device", "desktop"], ["device", "mobile"]]
    assert codes.shape == (N_USERS * (N_ITEMS - 1), 2)
    by_user = codes[:, 0].reshape(N_USERS, N_ITEMS - 1)
    assert (by_user[:, 0] == -1).all()
    assert (by_user[:6, 1:] == 1).all()
    assert (by_user[6:, 1:] == 0).all()
    assert (codes[:, 1] == -1).all()


def test_without_declared_contexts_there_are_none() -> None:
    codes, values = Contexts.of(make_dataset([(0, 0, 1.0), (1, 1, 1.0)], 2, 2))
    assert codes.shape == (2, 0)
    assert values.shape == (0, 2)


def test_a_context_names_rows_and_what_is_not_known_does_not_count() -> None:
    values = np.array([["device", "desktop"], ["device", "mobile"], ["place", "home"]])
    assert rows_of(values, {"place": "home", "device": "mobile"}).tolist() == [1, 2]
    assert rows_of(values, {"device": "watch", "mood": "good"}).tolist() == []
    assert rows_of(np.empty((0, 2), dtype=np.str_), {"device": "mobile"}).tolist() == []
