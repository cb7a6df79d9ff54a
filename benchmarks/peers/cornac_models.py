"""Cornac's models, as benchmarks/peers.py runs them."""

from typing import Any

import numpy as np
from cornac.data import Dataset
from cornac.models import BPR, EASE, ItemKNN
from timing import Peer, main, padded


def _fit(model: Any, train: Any, values: np.ndarray) -> tuple[Any, Dataset]:
    dataset = Dataset.from_uir(zip(*train.tocoo().coords, values, strict=True), seed=42)
    return model.fit(dataset), dataset


def _recommend(fitted: tuple[Any, Dataset], train: Any, k: int) -> np.ndarray:
    model, dataset = fitted
    lists = [
        model.recommend(user, k=k, remove_seen=True, train_set=dataset) if user in dataset.uid_map else []
        for user in range(train.shape[0])
    ]
    return padded(lists, k)


def _ease(train: Any) -> Any:
    return _fit(EASE(lamb=600, posB=False, verbose=False, seed=42), train, np.ones(train.nnz))


def _itemknn(train: Any) -> Any:
    return _fit(ItemKNN(k=20, verbose=False), train, train.data.astype(float))


def _bpr(train: Any) -> Any:
    bpr = BPR(k=200, max_iter=200, learning_rate=0.01, lambda_reg=0.001, seed=42)
    return _fit(bpr, train, np.ones(train.nnz))


if __name__ == "__main__":
    main(
        "cornac",
        {
            "ease": Peer("lamb=600, posB=False", _ease, _recommend),
            "itemknn": Peer("cosine, k=20; of ratings, ranked by estimate", _itemknn, _recommend),
            "bpr": Peer("k=200, max_iter=200, learning_rate=.01, lambda_reg=.001", _bpr, _recommend),
        },
    )
