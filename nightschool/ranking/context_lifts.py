"""Lifts of items in a context: how much more often they are chosen there than their users' habits let expect."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray
from scipy.sparse import csr_array

from nightschool.contract import Float32s, Indices

_HABIT: Final = 5.0
"""Choices by which a user's share of contexts is shrunk towards everyone's."""


class Choices(NamedTuple):
    """Choices of n items by their users and by the values of one context.

    Attributes:
        users: int32 [n].
        items: int32 [n].
        values: int32 [n], the place of the value; -1 where it is not known.
    """

    users: Indices
    items: Indices
    values: Indices


@dataclass(frozen=True, eq=False)
class ContextCounts:
    """How often items were chosen in each value of a context, and how often that was to be expected.

    What users choose anyway is no effect of the context: an item is expected in a context as often as its own users
    are in it.

    Attributes:
        seen: float32 [n_values, n_items].
        expected: float32 [n_values, n_items].
        labels: For each column of labels a CSR float32 [n_items, n_labels] whose rows sum to 1, or are empty.
    """

    seen: Float32s
    expected: Float32s
    labels: Sequence[csr_array] = ()

    @classmethod
    def of(
        cls, choices: Choices, shape: tuple[int, int], n_values: int, labels: Sequence[csr_array]
    ) -> "ContextCounts":
        """Count choices; those without a known value are left out.

        Args:
            choices: The choices.
            shape: Number of users and of items.
            n_values: Number of values.
            labels: One-hot labels of the items, a matrix a column.
        """
        users, items, values = (each[choices.values >= 0] for each in choices)
        ones, (n_users, n_items) = np.ones(len(users), dtype=np.float32), shape
        by_user = csr_array((ones, (users, values)), shape=(n_users, n_values)).toarray()
        everyone = by_user.sum(axis=0) / max(len(users), 1)
        habits = (by_user + _HABIT * everyone) / (by_user.sum(axis=1, keepdims=True) + _HABIT)
        chosen = csr_array((ones, (items, users)), shape=(n_items, n_users))
        seen = csr_array((ones, (values, items)), shape=(n_values, n_items)).toarray()
        expected = np.ascontiguousarray((chosen @ habits).T)
        return cls(seen, expected, [_rows_of_one(matrix) for matrix in labels])

    def lifts(self, strength: float) -> Float32s:
        """Return the shrunk logarithm of seen over expected, float32 [n_values, n_items].

        Choices are Poisson with the mean lift · expected, and a lift has a gamma prior as heavy as `strength` expected
        choices, whose mean is the product of the lifts of the item's labels, or 1 without labels: empirical Bayes as in
        DuMouchel, "Bayesian data mining in large frequency tables", 1999. Labels' own lifts are shrunk towards 1.
        """
        prior = np.zeros_like(self.seen)
        for matrix in self.labels:
            seen, expected = (matrix.T @ counts.T for counts in (self.seen, self.expected))
            prior += (matrix @ np.log((seen + strength) / (expected + strength))).T
        lifts: Float32s = np.log((self.seen + strength * np.exp(prior)) / (self.expected + strength)).astype(np.float32)
        return lifts


def _rows_of_one(matrix: csr_array) -> csr_array:
    """Scale the rows of a matrix of ones so that each sums to 1."""
    scaled = matrix.astype(np.float32)
    lengths = np.diff(matrix.indptr)
    scaled.data = np.repeat(1 / np.maximum(lengths, 1), lengths).astype(np.float32)
    return scaled


def gains_in_context(
    ranked: tuple[Float32s, Indices], wanted: tuple[Indices, Indices, Indices], lifts: Float32s, k: int
) -> NDArray[np.float64]:
    """Compute the ndcg@k of each held-out choice in its own context, float64 [n_choices].

    Its item is the only relevant one, so that this is 1 / log2(rank + 1), or 0 beyond k. Equal scores are ranked by
    their place.

    Args:
        ranked: Scores float32 [n, width] of candidates, -inf where there is none, and their items int32 [n, width].
        wanted: For each choice the row of its user and its item, int32 [n_choices], and the rows of `lifts` that are
            added to the scores, int32 [n_choices, n_contexts], -1 for none.
        lifts: float32 [n_rows, n_items].
        k: Places of a list that count.
    """
    gains = np.zeros(len(wanted[0]), dtype=np.float64)
    _count_above(ranked, wanted, lifts, k, gains)
    return gains


@njit(parallel=True, cache=True)
def _count_above(ranked, wanted, lifts, k, gains):  # type: ignore[no-untyped-def]  # numba compiles it by argument
    """Fill `gains`; choices are independent, so that the order of threads does not matter."""
    all_scores, all_items = ranked
    rows, chosen, added = wanted
    for choice in prange(len(gains)):
        scores, items = all_scores[rows[choice]].copy(), all_items[rows[choice]]
        own = -1
        for place in range(len(scores)):
            if scores[place] == -np.inf:
                continue
            if items[place] == chosen[choice]:
                own = place
            for context in range(added.shape[1]):
                if added[choice, context] >= 0:
                    scores[place] += lifts[added[choice, context], items[place]]
        if own < 0:
            continue
        above = 0
        for place in range(len(scores)):
            above += scores[place] > scores[own] or (scores[place] == scores[own] and place < own)
        if above < k:
            gains[choice] = 1 / np.log2(above + 2)
