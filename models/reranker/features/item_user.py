"""Features of candidates from what is known of users and of items: their popularity, scores and attributes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.sparse import csr_array, hstack

from models.reranker.features.base import Candidates, FeatureGroup
from nightschool.columns import ITEM_INDEX, SCORE, USER_ID, USER_INDEX
from nightschool.contract import Dataset, Float32s
from nightschool.data.labels import one_hot

_FEWEST_USERS = 10  # who share an attribute's value, below which it says nothing
_MOST_VALUES = 200  # of one attribute; the most frequent
_SMOOTHING = 5.0


@dataclass(frozen=True, eq=False)
class Popularity(FeatureGroup):
    """How much is known of an item and of a user, and how the scores of both are.

    All of it is relative to the other items and users, since a reranker learns from less than it is used with.

    Attributes:
        items: float32 [n_items, 4]: ln(1 + likes), share of items that are less liked, mean and spread of scores.
        users: float32 [n_users, 3]: ln(1 + likes) less the mean of users, mean score, mean ln(1 + likes) of the items.
        usual: float32 [1], the mean of that last one.
    """

    by_user = ("users",)

    items: Float32s
    users: Float32s
    usual: Float32s

    @classmethod
    def of(cls, dataset: Dataset) -> Self:
        """Measure items and users on the pairs to learn from."""
        pairs = dataset.pairs
        items, users = (pairs[name].to_numpy() for name in (ITEM_INDEX, USER_INDEX))
        scores = pairs[SCORE].to_numpy().astype(np.float64)
        liked = np.log1p(np.bincount(items, weights=scores > 0, minlength=dataset.n_items))
        rank = np.searchsorted(np.sort(liked), liked) / dataset.n_items
        mean = _means(items, scores, dataset.n_items)
        spread = np.sqrt(np.maximum(_means(items, scores**2, dataset.n_items) - mean**2, 0))
        history = np.log1p(np.bincount(users, weights=scores > 0, minlength=dataset.n_users))
        history -= history[~dataset.cold_users].mean()
        usual = _means(users, liked[items], dataset.n_users)
        by_user = np.stack([history, _means(users, scores, dataset.n_users), usual], axis=1)
        by_item = np.stack([liked, rank, mean, spread], axis=1)
        return cls(
            by_item.astype(np.float32), by_user.astype(np.float32), np.array([np.nanmean(usual)], dtype=np.float32)
        )

    @property
    def names(self) -> Sequence[str]:
        """Name of each column."""
        of_item = ("rank by likes", "mean score of the item", "spread of the item's scores")
        return (*of_item, "likes of the user", "mean score of the user", "usual likes", "likes beyond the usual")

    def columns(self, candidates: Candidates) -> Float32s:
        """Compute the columns, float32 [n_names, n_candidates]."""
        items, users = self.items[candidates.items].T, self.users[candidates.owners].T
        return np.concatenate([items[1:], users[:2], users[2:] - self.usual, items[:1] - users[2:]])


@dataclass(frozen=True, eq=False)
class Demography(FeatureGroup):
    """How much more the people like an item who share a user's attribute: the logarithm of its lift over chance.

    Attributes:
        attributes: str [n_attributes].
        first: int64 [n_attributes + 1], where each attribute's values begin.
        values: CSR float32 [n_users, n_values], which values a user has.
        lifts: float32 [n_values, n_items].
    """

    by_user = ("values",)

    attributes: NDArray[np.str_]
    first: NDArray[np.int64]
    values: csr_array
    lifts: Float32s

    @classmethod
    def of(cls, dataset: Dataset) -> Self:
        """Compute the lifts of all values that enough users have."""
        likes = dataset.positives()
        attributes = [name for name in dataset.users.columns if name != USER_ID]
        known = [_frequent(one_hot(dataset.users, [name]), likes) for name in attributes]
        values = hstack([csr_array((dataset.n_users, 0), dtype=np.float32), *known], format="csr")
        observed = (values.T @ likes).toarray().astype(np.float64)
        shares = np.bincount(likes.indices, minlength=dataset.n_items) / max(likes.nnz, 1)
        first = np.cumsum([0, *(one.shape[1] for one in known)])
        names = np.array(attributes, dtype=np.str_)
        return cls(names, first, values, log_lift(observed, observed.sum(axis=1, keepdims=True) * shares))

    @property
    def names(self) -> Sequence[str]:
        """Name of each column."""
        return [f"lift by {name}" for name in self.attributes.tolist()]

    def columns(self, candidates: Candidates) -> Float32s:
        """Average the lifts over a user's values of each attribute, float32 [n_names, n_candidates]."""
        found = np.full((len(self.attributes), len(candidates.items)), np.nan, dtype=np.float32)
        values = self.values[candidates.users]
        _mean_lifts((values.indptr, values.indices), self.first, self.lifts, candidates.starts, candidates.items, found)
        return found


def _means(groups: NDArray[np.int32], values: NDArray[np.float64], n: int) -> NDArray[np.float64]:
    """Average the values of each group, float64 [n]; NaN of none."""
    counts = np.bincount(groups, minlength=n)
    sums = np.bincount(groups, weights=values, minlength=n)
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)


def log_lift(observed: NDArray[np.floating], expected: NDArray[np.floating]) -> Float32s:
    """Return ln(observed / expected), smoothed, float32; near zero where both are small."""
    lift: Float32s = np.log((observed + _SMOOTHING) / (expected + _SMOOTHING)).astype(np.float32)
    return lift


def _frequent(values: csr_array, likes: csr_array) -> csr_array:
    """Keep the columns of values that enough users with likes have."""
    active = np.diff(likes.indptr) > 0
    counts = np.bincount(values[active].indices, minlength=values.shape[1])
    common = np.argsort(-counts, kind="stable")[:_MOST_VALUES]
    return values[:, np.sort(common[counts[common] >= _FEWEST_USERS])]


@njit(nogil=True, cache=True)
def _mean_lifts(values, first, lifts, starts, items, found):  # type: ignore[no-untyped-def]  # numba compiles it
    """Fill `found`, [n_attributes, n_candidates]."""
    value_starts, value_of = values
    for row in range(len(starts) - 1):
        own = value_of[value_starts[row] : value_starts[row + 1]]
        for attribute in range(len(found)):
            count = np.sum((own >= first[attribute]) & (own < first[attribute + 1]))
            if count == 0:
                continue
            for entry in range(starts[row], starts[row + 1]):
                total = np.float32(0)
                for place in range(len(own)):
                    if first[attribute] <= own[place] < first[attribute + 1]:
                        total += lifts[own[place], items[entry]]
                found[attribute, entry] = total / count
