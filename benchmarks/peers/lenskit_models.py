"""LensKit's models, as benchmarks/peers.py runs them."""

from typing import Any

import numpy as np
import pandas as pd
from lenskit import batch
from lenskit.als import ImplicitMFScorer
from lenskit.data import from_interactions_df
from lenskit.knn import EASEScorer, ItemKNNScorer
from lenskit.pipeline import topn_pipeline
from timing import Peer, main, padded


def _fit(scorer: Any, train: Any) -> Any:
    cells = train.tocoo()
    frame = pd.DataFrame({"user_id": cells.coords[0], "item_id": cells.coords[1]})
    pipeline = topn_pipeline(scorer)
    pipeline.train(from_interactions_df(frame))
    return pipeline


def _recommend(pipeline: Any, train: Any, k: int) -> np.ndarray:
    users = np.flatnonzero(np.diff(train.indptr)).tolist()
    found = batch.recommend(pipeline, users, n=k)
    lists = {key.user_id: items.ids().tolist() for key, items in found.items()}
    return padded([lists.get(user, []) for user in range(train.shape[0])], k)


MODELS = {
    "ease": Peer("regularization=600", lambda: EASEScorer(regularization=600)),
    "itemknn": Peer("max_nbrs=20, feedback=implicit", lambda: ItemKNNScorer(max_nbrs=20, feedback="implicit")),
    "als": Peer(
        "embedding_size=64, epochs=15, regularization=.01",
        lambda: ImplicitMFScorer(embedding_size=64, epochs=15, regularization=0.01),
    ),
}

if __name__ == "__main__":
    main("lenskit", MODELS, _fit, _recommend)
