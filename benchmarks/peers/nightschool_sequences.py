"""Our own models of order and those to compare them with, as benchmarks/peers.py runs them: their defaults."""

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import polars as pl
from nightschool_models import dataset_of, recommend
from timing import Peer, main

from models.catalog import create
from nightschool.columns import POSITION, SCORE
from nightschool.contract import Dataset

NAMES = ("popularity", "ease", "transitions", "next_ridge", "next_neighbours", "sasrec")
MODELS = {name: Peer("defaults", partial(create, name, {})) for name in NAMES}


def sequences_of(train: Any) -> Dataset:
    """Build a dataset of places, CSR, of which the newest, 1, is read and not learned from."""
    columns = {SCORE: pl.lit(1.0, pl.Float32), POSITION: pl.Series(-train.data, dtype=pl.Int32)}
    learned = train.data > 1
    known = np.bincount(train.indices[learned], minlength=train.shape[1]) > 0
    return replace(dataset_of(train, **columns), available=known, learned=learned, ordered=True)


def _fit(model: Any, train: Any) -> tuple[Any, Dataset]:
    dataset = sequences_of(train)
    return model.fit(dataset, seed=42), dataset


if __name__ == "__main__":
    main("nightschool", MODELS, _fit, recommend)
