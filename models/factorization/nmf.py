"""Non-negative matrix factorisation of the scores themselves."""

from typing import ClassVar

import numpy as np
import surprise
from numpy.typing import NDArray
from pydantic import Field

from models.base import ModelConfig
from models.factorization.factor_model import FactorModel, by_index
from models.factorization.surprise_trainset import trainset
from models.ratings import Ratings
from nightschool.contract import Dataset, Float32s, Indices, Space, Span
from nightschool.data.shape import Shape


class NmfConfig(ModelConfig):
    """How the factorisation is trained."""

    factors: int = Field(default=15, ge=1, le=1000, description="Length of a user's and an item's vector.")
    epochs: int = Field(default=50, ge=1, le=500, description="Passes over all scores.")
    regularisation: float = Field(default=0.06, ge=0, le=10, description="Shrinkage of users' and items' factors.")

    space: ClassVar[Space] = {"regularisation": Span(0.02, 0.5, log=True)}


class Nmf(FactorModel):
    """Non-negative matrix factorisation: ratings as a product of vectors without negative entries.

    Formula:
        r(u, i) = user factors · item factors, all entries ≥ 0; the mean where user or item has no scores. Trained by
        Surprise.

    Good for:
        Predicting ratings with factors that can be read as additive parts; `svd` predicts better on most data.

    Refuses:
        Data without graded scores.

    Memory:
        `factors` + 1 floats a user and an item, and Python lists of all scores while it is fitted.

    Examples:
        >>> model = Nmf().fit(dataset, seed=0)
        >>> algebra, painting = model.predict(np.array([0, 0]), np.array([3, 13]))
        >>> bool(algebra > painting)  # user 0 likes algebra
        True

    Reference:
        Luo, Zhou, Xia and Zhu, "An Efficient Non-Negative Matrix-Factorization-Based Approach to Collaborative
        Filtering for Recommender Systems", 2014.
    """

    name = "nmf"
    config_type = NmfConfig
    needs_scores = True

    config: NmfConfig

    def fit_seconds(self, shape: Shape) -> float:
        """Estimate the seconds of a fit to data of this shape."""
        return 4e-8 * shape.pairs * self.config.factors * self.config.epochs

    def _learn(self, dataset: Dataset, seed: int) -> None:
        ratings = Ratings.graded(dataset)
        trained = surprise.NMF(
            n_factors=self.config.factors,
            n_epochs=self.config.epochs,
            reg_pu=self.config.regularisation,
            reg_qi=self.config.regularisation,
            random_state=seed,
        ).fit(trainset(ratings))
        self._keep_scale(ratings)
        # The mean stands for pairs with an unknown side. One more factor takes it away where both are known.
        self.user_factors = _with_factor(trained.pu, -ratings.mean, ratings.rated_users, ratings.n_users)
        self.item_factors = _with_factor(trained.qi, 1.0, ratings.rated_items, ratings.n_items)
        self.user_biases = np.zeros(ratings.n_users + 1, dtype=np.float32)
        self.item_biases = np.zeros(ratings.n_items + 1, dtype=np.float32)


def _with_factor(factors: NDArray[np.float64], value: float, indices: Indices, n: int) -> Float32s:
    """Place factors at their indices, with one more factor of this value, float32 [n + 1, factors + 1]."""
    return by_index(np.pad(factors, ((0, 0), (0, 1)), constant_values=value), indices, n)
