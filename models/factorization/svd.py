"""Funk's biased matrix factorisation: stochastic gradient descent over all scores, in order."""

from typing import ClassVar

import numpy as np
import polars as pl
from numba import njit
from numpy.random import RandomState
from pydantic import Field

from models.base import ModelConfig
from models.factorization.factor_model import FactorModel, by_index, product
from models.ratings import Ratings
from nightschool.columns import ITEM_INDEX, SCORE, USER_INDEX
from nightschool.contract import Dataset, Space, Span
from nightschool.data.negatives import sample_negatives
from nightschool.data.shape import Shape
from nightschool.errors import ConfigurationError

_DEVIATION = 0.1  # of the normal distribution that factors start from


class SvdConfig(ModelConfig):
    """How the factorisation is trained: stochastic gradient descent over all scores, in order."""

    factors: int = Field(default=50, ge=1, le=1000, description="Length of a user's and an item's vector.")
    epochs: int = Field(default=20, ge=1, le=500, description="Passes over all scores.")
    learning_rate: float = Field(default=0.005, gt=0, le=1, description="Step size, for factors and biases alike.")
    regularisation: float = Field(default=0.02, ge=0, le=10, description="Shrinkage, for factors and biases alike.")
    negatives: int = Field(
        default=0,
        ge=0,
        le=100,
        description="Unseen items drawn as zeros for each interaction, where scores are not graded.",
    )

    space: ClassVar[Space] = {"regularisation": Span(0.01, 0.3, log=True)}


class Svd(FactorModel):
    """Biased matrix factorisation: ratings from a mean, two biases and two vectors (Funk's "SVD").

    Formula:
        r(u, i) = mean + user bias + item bias + user factors · item factors, by stochastic gradient descent over all
        scores, in order. Without graded scores an interaction is one, and `negatives` unseen items drawn for each are
        zero. A dislike counts as the lowest score. The steps are those of `surprise.SVD` from the same start, in
        float32 and on one thread, so that the same seed gives the same bits.

    Good for:
        Predicting ratings, fast.

    Refuses:
        Data without graded scores unless `negatives` is set, and `negatives` where scores are graded.

    Memory:
        `factors` + 1 floats a user and an item.

    Examples:
        >>> model = Svd().fit(dataset, seed=0)
        >>> algebra, painting = model.predict(np.array([0, 0]), np.array([3, 13]))
        >>> bool(algebra > painting)  # user 0 likes algebra
        True

    Reference:
        Koren, Bell and Volinsky, "Matrix Factorization Techniques for Recommender Systems", 2009, equation 5;
        the descent is Simon Funk's.
    """

    name = "svd"
    config_type = SvdConfig

    config: SvdConfig

    def require_data(self, dataset: Dataset) -> None:
        """Check that the scores are graded, or that negatives are drawn."""
        super().require_data(dataset)
        _require_scores_or_negatives(dataset, self.config)

    def fit_seconds(self, shape: Shape) -> float:
        """Estimate the seconds of a fit to data of this shape."""
        return 6e-10 * shape.pairs * self.config.factors * self.config.epochs

    def _learn(self, dataset: Dataset, seed: int) -> None:
        ratings = ratings_for(dataset, self.config, seed)
        self._keep_scale(ratings)
        self._draw_factors(ratings, seed)
        self.user_biases = np.zeros(ratings.n_users + 1, dtype=np.float32)
        self.item_biases = np.zeros(ratings.n_items + 1, dtype=np.float32)
        _descend(
            (ratings.users, ratings.items, ratings.scores - self.mean),
            (self.user_biases, self.item_biases, self.user_factors, self.item_factors),
            np.float32(self.config.learning_rate),
            np.float32(self.config.regularisation),
            self.config.epochs,
        )

    def _draw_factors(self, ratings: Ratings, seed: int) -> None:
        rng = RandomState(seed)
        users, items = ratings.rated_users, ratings.rated_items
        drawn = [rng.normal(0, _DEVIATION, (len(rated), self.config.factors)) for rated in (users, items)]
        self.user_factors = by_index(drawn[0], users, ratings.n_users)
        self.item_factors = by_index(drawn[1], items, ratings.n_items)


def ratings_for(dataset: Dataset, config: SvdConfig, seed: int) -> Ratings:
    """Return the ratings to learn from: graded scores, or interactions as ones with drawn zeros.

    Raises:
        ConfigurationError: `negatives` does not suit the data.
    """
    _require_scores_or_negatives(dataset, config)
    if dataset.score_range:
        return Ratings.of(dataset.pairs, dataset, dataset.score_range)
    drawn = sample_negatives(dataset, config.negatives, seed)
    zeros = drawn.with_columns(pl.lit(0.0, pl.Float32).alias(SCORE))
    pairs = pl.concat([dataset.pairs.select(zeros.columns), zeros]).sort(USER_INDEX, ITEM_INDEX)
    return Ratings.of(pairs, dataset, (0.0, 1.0))


def _require_scores_or_negatives(dataset: Dataset, config: SvdConfig) -> None:
    if dataset.score_range and config.negatives:
        raise ConfigurationError(
            "svd.negatives is for data without graded scores",
            seen=config.negatives,
            do="leave it at 0: these have scores",
        )
    if not dataset.score_range and not config.negatives:
        raise ConfigurationError(
            "svd needs graded scores, and this dataset has none",
            do="set svd.negatives, leave svd out, or give the manifest a score",
        )


@njit(cache=True, nogil=True, fastmath={"contract"})
def _descend(pairs, learned, rate, shrinkage, epochs):  # type: ignore[no-untyped-def]  # compiled by argument
    """Move biases and factors, in place, against the gradient of one score after the other."""
    users, items, targets = pairs
    user_biases, item_biases, user_factors, item_factors = learned
    kept = np.float32(1) - rate * shrinkage
    for _ in range(epochs):
        for pair in range(users.shape[0]):
            user, item = users[pair], items[pair]
            p, q = user_factors[user], item_factors[item]
            step = rate * (targets[pair] - (user_biases[user] + item_biases[item] + product(p, q)))
            user_biases[user] = kept * user_biases[user] + step
            item_biases[item] = kept * item_biases[item] + step
            for factor in range(p.shape[0]):
                before = p[factor]
                p[factor] = kept * before + step * q[factor]
                q[factor] = kept * q[factor] + step * before
