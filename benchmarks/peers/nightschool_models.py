"""Our own models, as benchmarks/peers.py runs them: their defaults, fitted on the same matrix."""

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import polars as pl
from timing import Peer, main

from models.catalog import create
from nightschool.columns import INSTANT, ITEM_ID, ITEM_INDEX, SCORE, TEXT, TIMESTAMP, TITLE, USER_ID, USER_INDEX
from nightschool.contract import Dataset
from nightschool.ranking.blocks import block_users
from nightschool.ranking.topk import rank_users

MODELS = {
    "ease": Peer("l2=600", lambda: create("ease", {"l2": 600})),
    **{name: Peer("defaults", partial(create, name, {})) for name in ("dlae", "itemknn", "ials", "bpr")},
    "svd": Peer("defaults; ranked by estimate", lambda: create("svd", {})),
}


def dataset_of(train: Any, **columns: Any) -> Dataset:
    """Build a dataset of the stored entries of a matrix, users and items numbered by row and column.

    Args:
        train: CSR, a row a user.
        columns: Further columns of the interactions, one value an entry.
    """
    cells = train.tocoo()
    indices = {USER_INDEX: cells.coords[0], ITEM_INDEX: cells.coords[1]}
    pairs = pl.DataFrame(indices, schema=dict.fromkeys(indices, pl.Int32)).with_columns(
        pl.lit(None, INSTANT).alias(TIMESTAMP), **columns
    )
    users, items = (pl.DataFrame({key: range(n)}) for key, n in zip((USER_ID, ITEM_ID), train.shape, strict=True))
    untitled = [pl.lit(None, pl.String).alias(name) for name in (TITLE, TEXT)]
    available = np.ones(train.shape[1], dtype=bool)
    return Dataset(users[USER_ID], items[ITEM_ID], pairs, users, items.with_columns(untitled), available)


def _fit(model: Any, train: Any) -> tuple[Any, Dataset]:
    ratings = dataset_of(train, **{SCORE: pl.Series(train.data, dtype=pl.Float32)})
    dataset = replace(ratings, score_range=(1.0, 5.0))
    return model.fit(dataset, seed=42), dataset


def recommend(fitted: tuple[Any, Dataset], train: Any, k: int) -> np.ndarray:
    """Return the items of the lists, int32 [n_users, k]."""
    model, dataset = fitted
    ranking = rank_users(
        model.score,
        np.arange(train.shape[0], dtype=np.int32),
        history=dataset.history(),
        available=dataset.available,
        k=k,
        block_users=block_users(train.shape[1], 64),
    )
    return ranking.items


if __name__ == "__main__":
    main("nightschool", MODELS, _fit, recommend)
