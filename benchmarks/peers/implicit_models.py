"""implicit's models, as benchmarks/peers.py runs them."""

from typing import Any

import numpy as np
from implicit.cpu.als import AlternatingLeastSquares
from implicit.cpu.bpr import BayesianPersonalizedRanking
from implicit.nearest_neighbours import CosineRecommender
from scipy.sparse import csr_matrix
from timing import Peer, main


def _fit(model: Any, train: Any) -> Any:
    model.fit(_binary(train), show_progress=False)
    return model


def _recommend(model: Any, train: Any, k: int) -> np.ndarray:
    users = np.arange(train.shape[0])
    return model.recommend(users, _binary(train), N=k, filter_already_liked_items=True)[0]


def _binary(train: Any) -> csr_matrix:
    return csr_matrix(train > 0, dtype=np.float32)


MODELS = {
    "itemknn": Peer("cosine, K=20", lambda: CosineRecommender(K=20)),
    "als": Peer(
        "factors=64, regularization=.01, iterations=15",
        lambda: AlternatingLeastSquares(factors=64, regularization=0.01, iterations=15, random_state=42),
    ),
    "bpr": Peer(
        "defaults: factors=100, iterations=100",
        lambda: BayesianPersonalizedRanking(factors=100, iterations=100, random_state=42),
    ),
}

if __name__ == "__main__":
    main("implicit", MODELS, _fit, _recommend)
