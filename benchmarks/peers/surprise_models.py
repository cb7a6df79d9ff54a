"""Surprise's models, as benchmarks/peers.py runs them: its own loop over every unseen pair, ranked by the estimate."""

from collections import defaultdict
from typing import Any

import numpy as np
import pandas as pd
from surprise import SVD, Dataset, Reader
from timing import Peer, main, padded


def _fit(model: Any, train: Any) -> Any:
    cells = train.tocoo()
    frame = pd.DataFrame({"user": cells.coords[0], "item": cells.coords[1], "rating": cells.data.astype(float)})
    trainset = Dataset.load_from_df(frame, Reader(rating_scale=(1, 5))).build_full_trainset()
    return model.fit(trainset)


def _recommend(model: Any, train: Any, k: int) -> np.ndarray:
    estimates = defaultdict(list)
    for guess in model.test(model.trainset.build_anti_testset()):
        estimates[guess.uid].append((-guess.est, guess.iid))
    return padded([[item for _, item in sorted(estimates[user])[:k]] for user in range(train.shape[0])], k)


if __name__ == "__main__":
    settings = "defaults: n_factors=100, n_epochs=20; ranked by estimate"
    main("scikit-surprise", {"svd": Peer(settings, lambda: SVD(random_state=42))}, _fit, _recommend)
