"""BPR: factors learned by ranking likes above unseen items, trained by implicit."""

from typing import ClassVar

import numpy as np
from implicit.cpu.bpr import BayesianPersonalizedRanking
from pydantic import Field
from scipy.sparse import csr_matrix
from threadpoolctl import threadpool_limits

from models.base import Model, ModelConfig
from nightschool.contract import Dataset, Float32s, Indices, Space, Span
from nightschool.data.shape import Shape

_FEWEST_USERS = 0.5  # of an item without users, whose logarithm would not be finite


class BprConfig(ModelConfig):
    """How the factors are trained: stochastic gradient descent over drawn pairs of items."""

    factors: int = Field(default=64, ge=1, le=1000, description="Length of a user's and an item's vector.")
    epochs: int = Field(default=60, ge=1, le=2000, description="Passes over as many draws as there are likes.")
    learning_rate: float = Field(default=0.05, gt=0, le=1, description="Step size.")
    regularisation: float = Field(default=0.04, ge=0, le=10, description="Shrinkage at each step.")

    space: ClassVar[Space] = {
        "learning_rate": Span(0.01, 0.1, log=True),
        "regularisation": Span(0.005, 0.1, log=True),
    }


class Bpr(Model):
    """BPR: factors that rank a user's likes above items drawn at random, trained by implicit.

    Formula:
        score(u, i) = item bias + user factors · item factors, by stochastic gradient ascent on ln σ(score of a like −
        score of a drawn item). implicit draws items by their popularity, so ln(popularity) is added to the bias. One
        thread trains, so that the order of steps, and with it the result, follows from the seed.

    Good for:
        Comparing with the literature; other models of this catalogue rank better on most data.

    Refuses:
        Nothing beyond a dataset without interactions.

    Memory:
        `factors` + 1 floats a user and an item.

    Examples:
        >>> model = Bpr(BprConfig(factors=8)).fit(dataset, seed=0)
        >>> model.recommend(dataset.user_ids[:1], k=2)["rank"].to_list()
        [1, 2]

    Reference:
        Rendle, Freudenthaler, Gantner and Schmidt-Thieme, "BPR: Bayesian Personalized Ranking from Implicit Feedback",
        UAI 2009.
    """

    name = "bpr"
    config_type = BprConfig
    learned = ("user_factors", "item_factors")
    by_user = ("user_factors",)

    config: BprConfig
    user_factors: Float32s
    """float32 [n_users, factors + 1]; the last is the one that an item's bias is multiplied by."""
    item_factors: Float32s
    """float32 [n_items, factors + 1]; the last is the item's bias."""

    def fit_seconds(self, shape: Shape) -> float:
        """Estimate the seconds of a fit to data of this shape."""
        return 3e-9 * shape.pairs * self.config.factors * self.config.epochs

    def _learn(self, dataset: Dataset, seed: int) -> None:
        likes = dataset.positives()
        trained = BayesianPersonalizedRanking(
            factors=self.config.factors,
            learning_rate=self.config.learning_rate,
            regularization=self.config.regularisation,
            iterations=self.config.epochs,
            num_threads=1,
            random_state=seed,
        )
        with threadpool_limits(1):
            trained.fit(csr_matrix(likes), show_progress=False)
        self.user_factors, self.item_factors = trained.user_factors, trained.item_factors
        users_of_item = np.bincount(likes.indices, minlength=dataset.n_items)
        self.item_factors[:, -1] += np.log(np.maximum(users_of_item, _FEWEST_USERS))

    def _score(self, user_indices: Indices) -> Float32s:
        scores: Float32s = self.user_factors[user_indices] @ self.item_factors.T
        return scores
