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


def recommend(fitted: tuple[Any, Dataset], train: Any, k: int) -> np.ndarray:
    """Return the items of the lists, int32 [n_users, k]; -1 is padding."""
    model, dataset = fitted
    users = np.flatnonzero(np.diff(train.indptr))
    found = model.recommend(users=users, dataset=dataset, k=k, filter_viewed=True)
    lists = found.sort_values([Columns.User, Columns.Rank]).groupby(Columns.User)[Columns.Item].apply(list)
    return padded([lists.get(user, []) for user in range(train.shape[0])], k)


def _als() -> Any:
    als = AlternatingLeastSquares(factors=64, regularization=0.01, iterations=15, random_state=42)
    return ImplicitALSWrapperModel(als)


MODELS = {
    "ease": Peer("regularization=600", lambda: EASEModel(regularization=600)),
    "itemknn": Peer("implicit's cosine, K=20", lambda: ImplicitItemKNNWrapperModel(CosineRecommender(K=20))),
    "als": Peer("implicit's, factors=64, regularization=.01, iterations=15", _als),
    "svd": Peer("PureSVD, factors=64", lambda: PureSVDModel(factors=64)),
}

if __name__ == "__main__":
    main("rectools", MODELS, _fit, recommend)
