"""How many users liked each item: the recommendation that any other must beat."""

import numpy as np
from pydantic import Field

from models.base import Model, ModelConfig
from nightschool.contract import Dataset, Float32s, Indices
from nightschool.histories import Histories


class PopularityConfig(ModelConfig):
    """What a user's liking counts."""

    weighted: bool = Field(default=False, description="Count the score's share of the highest, not one a user.")


class Popularity(Model):
    """Popularity: items by the number of users who liked them, the same for everyone.

    Formula:
        score(i) = |{u : r(u, i) > 0}|; with `weighted`, Σ_u max(r(u, i), 0) / the highest score, in which likes count
        less the older they are when the night lets events decay.

    Good for:
        The baseline that every other model must beat, and a fallback where the data hold no preferences.

    Refuses:
        Nothing beyond a dataset without interactions.

    Memory:
        One float an item.

    Examples:
        >>> model = Popularity().fit(dataset, seed=0)
        >>> model.recommend(dataset.user_ids[:1], k=2)["score"].is_sorted(descending=True)
        True

    Reference:
        Cremonesi, Koren and Turrin, "Performance of Recommender Algorithms on Top-N Recommendation Tasks", RecSys 2010.
    """

    name = "popularity"
    config_type = PopularityConfig
    learned = ("counts",)
    personal = False
    explains = False

    counts: Float32s
    """Users by item, or the sum of their scores' shares, float32 [n_items]."""

    config: PopularityConfig

    def fold_in(self, histories: Histories) -> Float32s:
        """Return the same scores for any histories, float32 [n_block, n_items]."""
        return np.repeat(self.counts[None, :], histories.scores.shape[0], axis=0)

    def _learn(self, dataset: Dataset, _seed: int) -> None:
        liked = dataset.weighted_positives() if self.config.weighted else dataset.positives()
        counts = np.bincount(liked.indices, weights=liked.data, minlength=dataset.n_items)
        self.counts = counts.astype(np.float32)

    def _score(self, user_indices: Indices) -> Float32s:
        return np.repeat(self.counts[None, :], len(user_indices), axis=0)
