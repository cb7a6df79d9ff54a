"""Funk's biased matrix factorisation, trained by Surprise and scored in blocks from its factors."""

from collections.abc import Iterator
from typing import ClassVar

import numpy as np
import polars as pl
import surprise
from numpy.typing import NDArray
from pydantic import Field

from models.base import Model, ModelConfig
from nightschool.columns import ITEM_INDEX, SCORE, USER_INDEX
from nightschool.contract import Dataset, Float32s, Indices, Space, Span
from nightschool.data.negatives import sample_negatives
from nightschool.errors import ConfigurationError

_ROWS_AT_A_TIME = 1 << 16


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
        description="Unseen items drawn as zeros for each item met, where scores are not graded.",
    )

    space: ClassVar[Space] = {"regularisation": Span(0.01, 0.3, log=True)}


class Svd(Model):
    """Predicts a score as mean + user bias + item bias + user factors · item factors.

    A dislike counts as the lowest score there is. Without graded scores, what was met is one and `negatives` unseen
    items for each of it, drawn at random, are zero.

    A user or item without scores has zero bias and factors, which is Surprise's rule for the unknown.

    Reference:
        Koren, Bell and Volinsky, "Matrix Factorization Techniques for Recommender Systems", 2009, equation 5;
        the descent is Simon Funk's, as `surprise.SVD` does it.
    """

    name = "svd"
    config_type = SvdConfig
    learned = ("mean", "user_biases", "item_biases", "user_factors", "item_factors", "score_range")
    by_user = ("user_biases", "user_factors")

    config: SvdConfig
    mean: Float32s
    """The mean of all scores, float32 [1]."""
    user_biases: Float32s
    """float32 [n_users + 1]; the last entry, which index -1 reaches, is the unknown user's zero."""
    item_biases: Float32s
    """float32 [n_items + 1]; likewise."""
    user_factors: Float32s
    """float32 [n_users + 1, factors]; likewise."""
    item_factors: Float32s
    """float32 [n_items + 1, factors]; likewise."""
    score_range: Float32s
    """The lowest and highest score, float32 [2]."""

    def predict(self, user_indices: Indices, item_indices: Indices) -> Float32s:
        """Scores of single pairs, float32 [n], clipped to the dataset's score range; an index of -1 is unknown."""
        affinity = np.einsum("nf,nf->n", self.user_factors[user_indices], self.item_factors[item_indices])
        scores = self.mean + self.user_biases[user_indices] + self.item_biases[item_indices] + affinity
        lowest, highest = self.score_range
        clipped: Float32s = np.clip(scores, lowest, highest)
        return clipped

    def _score(self, user_indices: Indices) -> Float32s:
        scores = self.user_factors[user_indices] @ self.item_factors[:-1].T
        scores += self.item_biases[:-1]
        scores += (self.mean + self.user_biases[user_indices])[:, None]
        return scores

    def _learn(self, dataset: Dataset, seed: int) -> None:
        if dataset.score_range and self.config.negatives:
            raise ConfigurationError(
                "svd.negatives is for data without graded scores",
                seen=self.config.negatives,
                do="leave it at 0: these have scores",
            )
        score_range = dataset.score_range or (0.0, 1.0)
        pairs = dataset.pairs if dataset.score_range else self._with_zeros(dataset, seed)
        ratings = _Ratings(pairs, score_range)
        trained = surprise.SVD(
            n_factors=self.config.factors,
            n_epochs=self.config.epochs,
            lr_all=self.config.learning_rate,
            reg_all=self.config.regularisation,
            random_state=seed,
        ).fit(ratings)
        self.user_factors = _by_index(trained.pu, ratings.users, dataset.n_users)
        self.item_factors = _by_index(trained.qi, ratings.items, dataset.n_items)
        self.user_biases = _by_index(trained.bu, ratings.users, dataset.n_users)
        self.item_biases = _by_index(trained.bi, ratings.items, dataset.n_items)
        self.mean = np.array([ratings.global_mean], dtype=np.float32)
        self.score_range = np.array(score_range, dtype=np.float32)

    def _with_zeros(self, dataset: Dataset, seed: int) -> pl.DataFrame:
        if not self.config.negatives:
            raise ConfigurationError(
                "svd needs graded scores, and this dataset has none",
                do="set svd.negatives, leave svd out, or give the manifest a score",
            )
        drawn = sample_negatives(dataset, self.config.negatives, seed)
        zeros = drawn.with_columns(pl.lit(0.0, pl.Float32).alias(SCORE))
        return pl.concat([dataset.pairs.select(zeros.columns), zeros]).sort(USER_INDEX, ITEM_INDEX)


class _Ratings:
    """What `surprise.SVD.fit` reads of a `surprise.Trainset`, from arrays instead of dictionaries of lists.

    Surprise walks over `all_ratings` once for each epoch, which is its own loop over rows. A real trainset would add
    a Python loop and two dictionaries that hold every score twice. Inner indices are given as Surprise gives them, by
    first appearance, so that the same seed draws the same initial factors as a trainset of the same rows.

    Attributes:
        users: User index of each inner index, ascending.
        items: Item index of each inner index, by first appearance.
    """

    def __init__(self, pairs: pl.DataFrame, score_range: tuple[float, float]) -> None:
        self.users, self._user_of_row = _inner_indices(pairs[USER_INDEX].to_numpy())
        self.items, self._item_of_row = _inner_indices(pairs[ITEM_INDEX].to_numpy())
        self._scores = pairs[SCORE].to_numpy().astype(np.float64).clip(*score_range)
        self.n_users = len(self.users)
        self.n_items = len(self.items)
        self.global_mean = float(self._scores.mean())

    def all_ratings(self) -> Iterator[tuple[int, int, float]]:
        """Inner user index, inner item index and score of each pair, by user."""
        for start in range(0, len(self._scores), _ROWS_AT_A_TIME):
            rows = slice(start, start + _ROWS_AT_A_TIME)
            yield from zip(
                self._user_of_row[rows].tolist(),
                self._item_of_row[rows].tolist(),
                self._scores[rows].tolist(),
                strict=True,
            )


def _inner_indices(indices: Indices) -> tuple[Indices, NDArray[np.int64]]:
    """The distinct indices by first appearance, and the place of each row's index among them."""
    distinct, first, inverse = np.unique(indices, return_index=True, return_inverse=True)
    order = np.argsort(first)
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    return distinct[order], place[inverse]


def _by_index(trained: NDArray[np.float64], indices: Indices, n: int) -> Float32s:
    """Surprise's rows at their dataset index, float32 [n + 1, …], zeros elsewhere."""
    placed = np.zeros((n + 1, *trained.shape[1:]), dtype=np.float32)
    placed[indices] = trained
    return placed
