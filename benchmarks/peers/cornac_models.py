"""Cornac's models, as benchmarks/peers.py runs them."""

from typing import Any

import numpy as np
from cornac.data import Dataset
from cornac.models import BPR, EASE, ItemKNN
from timing import Peer, main, padded


def fit(model: Any, train: Any) -> tuple[Any, Dataset]:
    """Fit a model of Cornac; return it with the data it knows."""
    values = train.data.astype(float) if isinstance(model, ItemKNN) else np.ones(train.nnz)
    dataset = Dataset.from_uir(zip(*train.tocoo().coords, values, strict=True), seed=42)
    model.fit(dataset)  # LightGCN's returns nothing
    return model, dataset


def recommend(fitted: tuple[Any, Dataset], train: Any, k: int) -> np.ndarray:
    """Return the items of the lists, int32 [n_users, k], padded with -1."""
    model, dataset = fitted
    lists = [
        model.recommend(user, k=k, remove_seen=True, train_set=dataset) if user in dataset.uid_map else []
        for user in range(train.shape[0])
    ]
    return padded(lists, k)


MODELS = {
    "ease": Peer("lamb=600, posB=False", lambda: EASE(lamb=600, posB=False, verbose=False, seed=42)),
    "itemknn": Peer("cosine, k=20; of ratings, ranked by estimate", lambda: ItemKNN(k=20, verbose=False)),
    "bpr": Peer(
        "k=200, max_iter=200, learning_rate=.01, lambda_reg=.001",
        lambda: BPR(k=200, max_iter=200, learning_rate=0.01, lambda_reg=0.001, seed=42),
    ),
}

if __name__ == "__main__":
    main("cornac", MODELS, fit, recommend)
