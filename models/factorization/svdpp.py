"""SVD++: the biased factorisation with what a user rated, whatever the score, as a second source of taste."""

from typing import ClassVar

import numpy as np
import surprise
from pydantic import Field
from scipy.sparse import csr_array

from models.base import ModelConfig
from models.factorization.factor_model import FactorModel, by_index
from models.factorization.surprise_trainset import trainset
from models.ratings import Ratings
from nightschool.contract import Dataset, Float32s, Space, Span
from nightschool.data.shape import Shape


class SvdppConfig(ModelConfig):
    """How the factorisation is trained; a step costs as much as its user has scores."""

    factors: int = Field(default=20, ge=1, le=1000, description="Length of a user's and an item's vector.")
    epochs: int = Field(default=20, ge=1, le=500, description="Passes over all scores.")
    learning_rate: float = Field(default=0.007, gt=0, le=1, description="Step size, for factors and biases alike.")
    regularisation: float = Field(default=0.02, ge=0, le=10, description="Shrinkage, for factors and biases alike.")

    space: ClassVar[Space] = {"regularisation": Span(0.01, 0.3, log=True)}


class Svdpp(FactorModel):
    """SVD++: biased matrix factorisation in which the set of rated items also tells a user's taste.

    Formula:
        r(u, i) = mean + biases + (user factors + Σ_j y_j / √n) · item factors, over the n items j that u rated.
        Trained by Surprise; the bracket is summed once, at the fit, and stored as the user's factors.

    Good for:
        Predicting ratings of users who rated many items; a step costs as much as its user has scores.

    Refuses:
        Data without graded scores.

    Memory:
        `factors` + 1 floats a user and twice that an item, and Python lists of all scores while it is fitted.

    Examples:
        >>> model = Svdpp(SvdppConfig(epochs=5)).fit(dataset, seed=0)
        >>> algebra, painting = model.predict(np.array([0, 0]), np.array([3, 13]))
        >>> bool(algebra > painting)  # user 0 likes algebra
        True

    Reference:
        Koren, "Factorization Meets the Neighborhood", KDD 2008, equation 15.
    """

    name = "svdpp"
    config_type = SvdppConfig
    needs_scores = True

    config: SvdppConfig

    def fit_seconds(self, shape: Shape) -> float:
        """Estimate the seconds of a fit to data of this shape."""
        return 7e-9 * shape.item_pairs * self.config.factors * self.config.epochs / 4

    def _learn(self, dataset: Dataset, seed: int) -> None:
        ratings = Ratings.graded(dataset)
        trained = surprise.SVDpp(
            n_factors=self.config.factors,
            n_epochs=self.config.epochs,
            lr_all=self.config.learning_rate,
            reg_all=self.config.regularisation,
            random_state=seed,
            cache_ratings=True,
        ).fit(trainset(ratings))
        self._take_over(trained, ratings)
        implicit = by_index(trained.yj, ratings.rated_items, ratings.n_items)
        self.user_factors[:-1] += _shares_by_user(ratings) @ implicit[:-1]


def _shares_by_user(ratings: Ratings) -> csr_array:
    """Write 1 / √n at each of the n items that a user rated, CSR float32 [n_users, n_items]."""
    counts = np.bincount(ratings.users, minlength=ratings.n_users)
    weights: Float32s = (1 / np.sqrt(counts[ratings.users])).astype(np.float32)
    return csr_array((weights, (ratings.users, ratings.items)), shape=(ratings.n_users, ratings.n_items))
