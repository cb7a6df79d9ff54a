"""RecTools' models, as benchmarks/peers.py runs them."""

from typing import Any

import numpy as np
import pandas as pd
from implicit.als import AlternatingLeastSquares
from implicit.nearest_neighbours import CosineRecommender
from rectools import Columns
from rectools.dataset import Dataset
from rectools.models import EASEModel, ImplicitALSWrapperModel, ImplicitItemKNNWrapperModel, PureSVDModel
from timing import Peer, main, padded


def _fit(model: Any, train: Any) -> tuple[Any, Dataset]:
    cells = train.tocoo()
    frame = pd.DataFrame({Columns.User: cells.coords[0], Columns.Item: cells.coords[1]})
    dataset = Dataset.construct(frame.assign(**{Columns.Weight: 1.0, Columns.Datetime: pd.Timestamp("2020-01-01")}))
    return model.fit(dataset), dataset


def _recommend(fitted: tuple[Any, Dataset], train: Any, k: int) -> np.ndarray:
    model, dataset = fitted
    users = np.flatnonzero(np.diff(train.indptr))
    found = model.recommend(users=users, dataset=dataset, k=k, filter_viewed=True)
    lists = found.sort_values([Columns.User, Columns.Rank]).groupby(Columns.User)[Columns.Item].apply(list)
    return padded([lists.get(user, []) for user in range(train.shape[0])], k)


def _ease(train: Any) -> Any:
    return _fit(EASEModel(regularization=600), train)


def _itemknn(train: Any) -> Any:
    return _fit(ImplicitItemKNNWrapperModel(CosineRecommender(K=20)), train)


def _als(train: Any) -> Any:
    als = AlternatingLeastSquares(factors=64, regularization=0.01, iterations=15, random_state=42)
    return _fit(ImplicitALSWrapperModel(als), train)


def _svd(train: Any) -> Any:
    return _fit(PureSVDModel(factors=64), train)


if __name__ == "__main__":
    main(
        "rectools",
        {
            "ease": Peer("regularization=600", _ease, _recommend),
            "itemknn": Peer("implicit's cosine, K=20", _itemknn, _recommend),
            "als": Peer("implicit's, factors=64, regularization=.01, iterations=15", _als, _recommend),
            "svd": Peer("PureSVD, factors=64", _svd, _recommend),
        },
    )
