"""Neighbours' deviations from their baselines, averaged by similarity."""

from typing import ClassVar, Literal

import numpy as np
import surprise
from numba import njit
from numpy.typing import NDArray
from pydantic import Field
from scipy.sparse import csr_array

from models.base import Model, ModelConfig
from models.factorization.factor_model import by_index
from models.factorization.surprise_trainset import trainset
from models.ratings import Ratings
from nightschool.contract import Dataset, Float32s, Indices, Space, Span
from nightschool.data.shape import Shape
from nightschool.errors import ConfigurationError

_BYTES_A_CELL = 40  # Surprise sums five square matrices of eight bytes an entry


class KnnBaselineConfig(ModelConfig):
    """Which side's neighbours count, and how many."""

    side: Literal["items", "users"] = Field(default="items", description="Neighbours of the item or of the user.")
    neighbours: int = Field(default=40, ge=1, le=1000, description="Neighbours that count in a prediction, at most.")
    shrinkage: float = Field(default=100.0, ge=0, le=1e4, description="Draws similarities of few common scores to 0.")
    max_gigabytes: float = Field(default=4.0, gt=0, description="Memory that dense square matrices may take, in GB.")

    space: ClassVar[Space] = {"neighbours": Span(20, 80), "shrinkage": Span(25.0, 400.0, log=True)}


class KnnBaseline(Model):
    """kNN baseline: a rating's baseline, corrected by the deviations of the nearest items or users.

    Formula:
        r(u, i) = b(u, i) + Σ_j s_ij · (r(u, j) − b(u, j)) / Σ_j s_ij over the `neighbours` nearest items j that u rated
        (with `side="users"`, the nearest users who rated i). b = mean + user bias + item bias; s are shrunk Pearson
        correlations of the deviations, of which only positive ones count. Trained by Surprise.

    Good for:
        Predicting ratings in small, dense data. With `side="users"` a forgotten user may change others' predictions.

    Refuses:
        Data without graded scores, and more items (or users) than `max_gigabytes` holds squares of.

    Memory:
        4 bytes a pair of items (or users), and 40 while it is fitted.

    Examples:
        >>> model = KnnBaseline().fit(dataset, seed=0)
        >>> algebra, painting = model.predict(np.array([0, 0]), np.array([3, 13]))
        >>> bool(algebra > painting)  # user 0 likes algebra
        True

    Reference:
        Koren, "Factor in the Neighbors: Scalable and Accurate Collaborative Filtering", 2010, equation 3.
    """

    name = "knn_baseline"
    config_type = KnnBaselineConfig
    needs_scores = True
    learned = ("mean", "user_biases", "item_biases", "similarities", "deviations", "score_range")
    by_user = ("user_biases",)

    config: KnnBaselineConfig
    mean: Float32s
    """The mean of all scores, float32 [1]."""
    user_biases: Float32s
    """float32 [n_users + 1]; the last entry, which index -1 reaches, is the unknown user's zero."""
    item_biases: Float32s
    """float32 [n_items + 1]; likewise."""
    similarities: Float32s
    """float32 [n_items, n_items] or [n_users, n_users]; zeros for what has no scores."""
    deviations: csr_array
    """Scores less their baseline, CSR float32 [n_users, n_items]; transposed on the side of users."""
    score_range: Float32s
    """The lowest and highest score, float32 [2]."""

    def predict(self, user_indices: Indices, item_indices: Indices) -> Float32s:
        """Predict the scores of single pairs, float32 [n], clipped to the score range; an index of -1 is unknown."""
        lowest, highest = self.score_range
        clipped: Float32s = np.clip(self._estimate(user_indices, item_indices), lowest, highest)
        return clipped

    def forget(self, user_index: int) -> None:
        """Remove a user's id, history, scores and similarities; the index of later users falls by one."""
        others = np.delete(np.arange(len(self.known.user_ids)), user_index)
        super().forget(user_index)
        if self.config.side == "items":
            self.deviations = self.deviations[others]
        else:
            self.deviations = self.deviations[:, others]
            self.similarities = self.similarities[np.ix_(others, others)]

    def _score(self, user_indices: Indices) -> Float32s:
        n_items = len(self.item_biases) - 1
        users = np.repeat(user_indices, n_items)
        items = np.tile(np.arange(n_items, dtype=np.int32), len(user_indices))
        return self._estimate(users, items).reshape(len(user_indices), n_items)

    def _estimate(self, users: Indices, items: Indices) -> Float32s:
        estimates: Float32s = self.mean + self.user_biases[users] + self.item_biases[items]
        near, speakers = (items, users) if self.config.side == "items" else (users, items)
        parts = (self.deviations.indptr, self.deviations.indices, self.deviations.data)
        _add_deviations((near, speakers), self.similarities, parts, self.config.neighbours, estimates)
        return estimates

    def fit_seconds(self, shape: Shape) -> float:
        """Estimate the seconds of a fit to data of this shape."""
        return 1e-7 * (shape.item_pairs if self.config.side == "items" else shape.user_pairs)

    def _learn(self, dataset: Dataset, seed: int) -> None:
        del seed  # nothing is drawn
        ratings = Ratings.graded(dataset)
        n = dataset.n_items if self.config.side == "items" else dataset.n_users
        rated = ratings.rated_items if self.config.side == "items" else ratings.rated_users
        self._check_memory(n, len(rated))
        self.mean = np.array([ratings.mean], dtype=np.float32)
        self.score_range = np.array(ratings.scale, dtype=np.float32)
        user_biases, item_biases, similarities = _train(ratings, self.config)
        self.user_biases = by_index(user_biases, ratings.rated_users, ratings.n_users)
        self.item_biases = by_index(item_biases, ratings.rated_items, ratings.n_items)
        self.similarities = np.zeros((n, n), dtype=np.float32)
        self.similarities[np.ix_(rated, rated)] = similarities
        baseline = self.mean + self.user_biases[ratings.users] + self.item_biases[ratings.items]
        pairs = (ratings.users, ratings.items)
        deviations = csr_array((ratings.scores - baseline, pairs), shape=(ratings.n_users, ratings.n_items))
        self.deviations = deviations if self.config.side == "items" else deviations.T.tocsr()

    def _check_memory(self, n: int, rated: int) -> None:
        needed = (4 * n**2 + _BYTES_A_CELL * rated**2) / 1e9
        if needed > self.config.max_gigabytes:
            raise ConfigurationError(
                f"knn_baseline needs {needed:.2g} GB for {rated} {self.config.side}",
                seen=f"max_gigabytes={self.config.max_gigabytes:g}",
                do="raise knn_baseline.max_gigabytes, take the other side, or leave knn_baseline out",
            )


def _train(ratings: Ratings, config: KnnBaselineConfig) -> tuple[NDArray[np.float64], ...]:
    """Train biases of the rated users and items, and the similarities of one side."""
    if ratings.scores.min() == ratings.scores.max():
        # Nothing deviates, and Surprise would divide by that.
        n = len(ratings.rated_items if config.side == "items" else ratings.rated_users)
        return np.zeros(len(ratings.rated_users)), np.zeros(len(ratings.rated_items)), np.zeros((n, n))
    measure = {"name": "pearson_baseline", "user_based": config.side == "users", "shrinkage": config.shrinkage}
    trained = surprise.KNNBaseline(sim_options=measure, verbose=False).fit(trainset(ratings))
    return trained.bu, trained.bi, trained.sim


@njit(cache=True, nogil=True)
def _add_deviations(pairs, similarities, deviations, k, estimates):  # type: ignore[no-untyped-def]  # compiled
    """Add to each estimate the mean deviation of its k nearest neighbours; of two as near, the earlier."""
    nears, speakers = pairs
    starts, neighbours, values = deviations
    nearest, said = np.empty(k), np.empty(k)
    for pair in range(nears.shape[0]):
        near, speaker = nears[pair], speakers[pair]
        if near < 0 or speaker < 0:
            continue
        row = similarities[near]
        found = 0
        for entry in range(starts[speaker], starts[speaker + 1]):
            similarity = row[neighbours[entry]]
            if similarity <= 0 or (found == k and similarity <= nearest[k - 1]):
                continue
            place = min(found, k - 1)
            while place and nearest[place - 1] < similarity:
                nearest[place], said[place] = nearest[place - 1], said[place - 1]
                place -= 1
            nearest[place], said[place] = similarity, values[entry]
            found = min(found + 1, k)
        if found:
            estimates[pair] += (nearest[:found] * said[:found]).sum() / nearest[:found].sum()
