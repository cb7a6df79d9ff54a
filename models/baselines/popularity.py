"""How many users liked each item: the recommendation that any other must beat."""

import numpy as np
from pydantic import Field
from scipy.sparse import csr_array

from models.base import Model, ModelConfig
from nightschool.contract import Dataset, Float32s, Indices


class PopularityConfig(ModelConfig):
    """What a user's liking counts."""

    weighted: bool = Field(default=False, description="Count the score's share of the highest, not one a user.")


class Popularity(Model):
    """Scores every item by the number of users with a score above zero for it, the same for everybody.

    Weighted, each of them counts with the score, which is less the older it is when the night lets events decay.
    """

    name = "popularity"
    config_type = PopularityConfig
    learned = ("counts",)
    personal = False
    explains = False

    counts: Float32s
    """Users by item, or the sum of their scores' shares, float32 [n_items]."""

    config: PopularityConfig

    def fold_in(self, history: csr_array) -> Float32s:
        """Return the same scores for any history, float32 [n_block, n_items]."""
        return np.repeat(self.counts[None, :], history.shape[0], axis=0)

    def _learn(self, dataset: Dataset, _seed: int) -> None:
        liked = dataset.weighted_positives() if self.config.weighted else dataset.positives()
        counts = np.bincount(liked.indices, weights=liked.data, minlength=dataset.n_items)
        self.counts = counts.astype(np.float32)

    def _score(self, user_indices: Indices) -> Float32s:
        return np.repeat(self.counts[None, :], len(user_indices), axis=0)
