"""How many users liked each item: the recommendation that any other must beat."""

import numpy as np
from scipy.sparse import csr_array

from models.base import Model, ModelConfig
from nightschool.contract import Dataset, Float32s, Indices


class PopularityConfig(ModelConfig):
    """Popularity has nothing to set."""


class Popularity(Model):
    """Scores every item by the number of users with a score above zero for it, the same for everybody."""

    name = "popularity"
    config_type = PopularityConfig
    learned = ("counts",)

    counts: Float32s
    """Users by item, float32 [n_items]."""

    config: PopularityConfig

    def fold_in(self, history: csr_array) -> Float32s:
        """The same scores for any history, float32 [n_block, n_items]."""
        return np.repeat(self.counts[None, :], history.shape[0], axis=0)

    def _learn(self, dataset: Dataset, _seed: int) -> None:
        liked = dataset.positives().indices
        self.counts = np.bincount(liked, minlength=dataset.n_items).astype(np.float32)

    def _score(self, user_indices: Indices) -> Float32s:
        return np.repeat(self.counts[None, :], len(user_indices), axis=0)
