"""Lifts of items in a context: how much more often they are chosen there than their users' habits let expect."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.sparse import csr_array

from nightschool.contract import Float32s, Indices

_HABIT: Final = 5.0
"""Choices by which a user's share of contexts is shrunk towards everyone's."""


class Choices(NamedTuple):
    """Choices of n items by their users and by the values of one context.

    Attributes:
        users: int32 [n], ascending.
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
    def of(cls, choices: Choices, n_items: int, n_values: int, labels: Sequence[csr_array]) -> "ContextCounts":
        """Count choices; those without a known value are left out.

        Args:
            choices: The choices.
            n_items: Number of items.
            n_values: Number of values.
            labels: One-hot labels of the items, a matrix a column.
        """
        seen, expected = (np.zeros((n_items, n_values), dtype=np.float32) for _ in range(2))
        everyone = np.bincount(choices.values[choices.values >= 0], minlength=n_values)
        shares = (everyone / max(everyone.sum(), 1)).astype(np.float32)
        _count(choices, shares, seen, expected)
        by_value = [np.ascontiguousarray(counts.T) for counts in (seen, expected)]
        return cls(by_value[0], by_value[1], [_rows_of_one(matrix) for matrix in labels])

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


def find_places(items: Indices, rows: Indices, wanted: Indices) -> Indices:
    """Return where in its row of candidates each item is, int32 [n_choices]; -1 where it is no candidate.

    Args:
        items: int32 [n, width].
        rows: int32 [n_choices], the row to look in.
        wanted: int32 [n_choices], the item to look for.
    """
    found = np.full(len(rows), -1, dtype=np.int32)
    _find_places(items, rows, wanted, found)
    return found


def gains_in_context(
    ranked: tuple[Float32s, Indices], wanted: tuple[Indices, Indices, Indices], lifts: Float32s, k: int
) -> NDArray[np.float64]:
    """Compute the ndcg@k of each held-out choice in its own context, float64 [n_choices].

    Its item is the only relevant one, so that this is 1 / log2(rank + 1), or 0 beyond k. Equal scores are ranked by
    their items.

    Args:
        ranked: Scores float32 [n, width] of candidates, the highest first and -inf where there is none, and their items
            int32 [n, width].
        wanted: For each choice the row of its user and the place of its item in it, -1 where it is no candidate,
            int32 [n_choices], and the rows of `lifts` that are added to the scores, int32 [n_choices, n_contexts], -1
            for none.
        lifts: float32 [n_rows, n_items].
        k: Places of a list that count.
    """
    gains = np.zeros(len(wanted[0]), dtype=np.float64)
    highest = lifts.max(axis=1) if lifts.size else np.zeros(len(lifts), dtype=np.float32)
    _count_above(ranked, wanted, (lifts, highest), k, gains)
    return gains


@njit(nogil=True, cache=True)
def _count(choices, shares, seen, expected):  # type: ignore[no-untyped-def]  # numba compiles it by argument
    """Fill `seen` and `expected`, both [n_items, n_values], user by user."""
    users, items, values = choices
    habit = np.empty(len(shares), dtype=np.float32)
    start = 0
    while start < len(users):
        habit[:], known, stop = _HABIT * shares, 0, start
        while stop < len(users) and users[stop] == users[start]:
            if values[stop] >= 0:
                habit[values[stop]] += 1
                known += 1
            stop += 1
        habit /= known + _HABIT
        for choice in range(start, stop):
            if values[choice] >= 0:
                seen[items[choice], values[choice]] += 1
                expected[items[choice]] += habit
        start = stop


@njit(nogil=True, cache=True)
def _find_places(items, rows, wanted, found):  # type: ignore[no-untyped-def]  # as above
    for choice in range(len(rows)):
        candidates = items[rows[choice]]
        for place in range(len(candidates)):
            if candidates[place] == wanted[choice]:
                found[choice] = place
                break


@njit(nogil=True, cache=True)
def _score_in_context(score, lifts, added, item):  # type: ignore[no-untyped-def]  # as above
    for context in range(len(added)):
        if added[context] >= 0:
            score += lifts[added[context], item]
    return score


@njit(nogil=True, cache=True)
def _count_above(ranked, wanted, all_lifts, k, gains):  # type: ignore[no-untyped-def]  # as above
    """Fill `gains`; candidates are left out from the first on that even the highest lifts would leave behind.

    Sums are rounded the same way everywhere, so that the bound is exact.
    """
    all_scores, all_items = ranked
    rows, places, all_added = wanted
    lifts, highest = all_lifts
    for choice in range(len(gains)):
        if places[choice] < 0:
            continue
        scores, items, added = all_scores[rows[choice]], all_items[rows[choice]], all_added[choice]
        item = items[places[choice]]
        own, above = _score_in_context(scores[places[choice]], lifts, added, item), 0
        for place in range(len(scores)):
            most = scores[place]
            for context in range(len(added)):
                if added[context] >= 0:
                    most += highest[added[context]]
            if most < own or above >= k:
                break
            score = _score_in_context(scores[place], lifts, added, items[place])
            above += score > own or (score == own and items[place] < item)
        if above < k:
            gains[choice] = 1 / np.log2(above + 2)
