"""Models that predict a score from a mean, biases and one vector each of user and item."""

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from models.base import Model
from models.ratings import Ratings
from nightschool.contract import Float32s, Indices


class FactorModel(Model):
    """Predicts a score as mean + user bias + item bias + user factors · item factors.

    A user or item without scores has zero bias and factors, which is Surprise's rule for the unknown. A model of one's
    own fills in `_learn`, which sets the learned attributes.
    """

    learned = ("mean", "user_biases", "item_biases", "user_factors", "item_factors", "score_range")
    by_user = ("user_biases", "user_factors")

    mean: Float32s
    """The mean of all scores, float32 [1]."""
    user_biases: Float32s
    """float32 [n_users + 1]; the last entry, which index -1 reaches, is the unknown user's."""
    item_biases: Float32s
    """float32 [n_items + 1]; likewise."""
    user_factors: Float32s
    """float32 [n_users + 1, factors]; likewise."""
    item_factors: Float32s
    """float32 [n_items + 1, factors]; likewise."""
    score_range: Float32s
    """The lowest and highest score, float32 [2]."""

    def predict(self, user_indices: Indices, item_indices: Indices) -> Float32s:
        """Predict the scores of single pairs, float32 [n], clipped to the score range; an index of -1 is unknown."""
        scores = self.mean + self.user_biases[user_indices] + self.item_biases[item_indices]
        _add_products(user_indices, item_indices, self.user_factors, self.item_factors, scores)
        lowest, highest = self.score_range
        clipped: Float32s = np.clip(scores, lowest, highest)
        return clipped

    def _score(self, user_indices: Indices) -> Float32s:
        scores = self.user_factors[user_indices] @ self.item_factors[:-1].T
        scores += self.item_biases[:-1]
        scores += (self.mean + self.user_biases[user_indices])[:, None]
        return scores

    def _keep_scale(self, ratings: Ratings) -> None:
        self.mean = np.array([ratings.mean], dtype=np.float32)
        self.score_range = np.array(ratings.scale, dtype=np.float32)

    def _take_over(self, trained: Any, ratings: Ratings) -> None:
        """Keep the scale of the scores, and the biases and factors of an algorithm of Surprise."""
        self._keep_scale(ratings)
        self.user_biases = by_index(trained.bu, ratings.rated_users, ratings.n_users)
        self.item_biases = by_index(trained.bi, ratings.rated_items, ratings.n_items)
        self.user_factors = by_index(trained.pu, ratings.rated_users, ratings.n_users)
        self.item_factors = by_index(trained.qi, ratings.rated_items, ratings.n_items)


def by_index(values: NDArray[Any], indices: Indices, n: int) -> Float32s:
    """Place rows at their indices, float32 [n + 1, …], with zeros elsewhere and for the unknown.

    Args:
        values: [len(indices), …].
        indices: Ascending, below n.
        n: Users or items of the dataset.
    """
    placed = np.zeros((n + 1, *values.shape[1:]), dtype=np.float32)
    placed[indices] = values
    return placed


@njit(cache=True, nogil=True, fastmath={"reassoc", "contract"})
def product(a, b):  # type: ignore[no-untyped-def]  # compiled by argument
    """Sum a · b, in whatever order lets the compiler use whole registers."""
    total = np.float32(0)
    for factor in range(a.shape[0]):
        total += a[factor] * b[factor]
    return total


@njit(cache=True, nogil=True)
def _add_products(users, items, user_factors, item_factors, scores):  # type: ignore[no-untyped-def]
    """Add the product of factors to each pair's score; the factors of all pairs at once may exceed memory."""
    for pair in range(users.shape[0]):
        scores[pair] += product(user_factors[users[pair]], item_factors[items[pair]])
