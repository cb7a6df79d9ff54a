"""Metrics of lists beyond accuracy: diversity, serendipity and calibration."""

from collections.abc import Mapping

import numpy as np
from numba import njit
from scipy.sparse import csr_array

from nightschool.contract import Indices, Mask
from nightschool.evaluation.metrics import Float64s, ratio

SMOOTHING = 0.01
"""The share of the history's distribution that is mixed into the list's, as in Steck (2018)."""

# numba compiles the kernels by the types of their arguments, which annotations would not change.
# mypy: disable-error-code="no-untyped-def"


def find_hits(items: Indices, users: Indices, relevant: csr_array) -> Mask:
    """Mark the listed items that are relevant to their user, bool[n, depth]; padding never is.

    Args:
        items: int32[n, depth], padded with -1.
        users: int32[n], whose list each row is.
        relevant: CSR [n_users, n_items], indices ascending.
    """
    hits = np.zeros(items.shape, dtype=bool)
    _mark(items, users, relevant.indptr, relevant.indices, hits)
    return hits


def diversity_at(items: Indices, features: csr_array, cutoffs: tuple[int, ...]) -> Mapping[int | None, Float64s]:
    """Compute k to 1 - the mean cosine of all pairs among the first k, float64[n]; NaN below two described items.

    Items without a description form no pairs: their similarity is unknown. Ziegler et al. (2005),
    "Improving recommendation lists through topic diversification".

    Args:
        items: int32[n, depth], padded with -1.
        features: CSR float32 [n_items, n_features], rows of unit length or empty.
        cutoffs: The k.
    """
    similarity = np.zeros((len(items), items.shape[1]))
    described = np.concatenate([np.diff(features.indptr) > 0, [False]])
    _sum_pairs(items, (features.indptr, features.indices, features.data), np.zeros(features.shape[1]), similarity)
    counts = np.cumsum(described[items], axis=1, dtype=np.float64)
    pairs = counts * (counts - 1) / 2
    return {k: 1 - ratio(similarity[:, k - 1], pairs[:, k - 1]) for k in cutoffs}


def serendipity_at(hits: Mask, expected: Indices, cutoffs: tuple[int, ...]) -> Mapping[int | None, Float64s]:
    """Compute k to the share of the first k that are hits but not among the user's k most popular unseen items.

    What a list by popularity would have shown anyway is no surprise; float64[n]. Ge, Delgado-Battenfeld and Jannach
    (2010), "Beyond accuracy: evaluating recommender systems by coverage and serendipity", with popularity as the
    primitive model.

    Args:
        hits: bool[n, depth].
        expected: int32[n, depth], from `popular_places`.
        cutoffs: The k.
    """
    return {k: np.asarray((hits & (expected >= k))[:, :k].sum(axis=1) / k) for k in cutoffs}


def popular_places(hits: Mask, items: Indices, users: Indices, history: csr_array, order: Indices) -> Indices:
    """Find each hit's place in its user's list by popularity, int32[n, depth] from 0; -1 where there is no hit.

    Args:
        hits: bool[n, depth].
        items: int32[n, depth].
        users: int32[n].
        history: CSR [n_users, n_items], what each user has seen.
        order: int32[n_items], each item's place by popularity among the available ones; n_items where it is not.
    """
    places = np.full(items.shape, -1, dtype=np.int32)
    _place_hits(hits, items, users, (history.indptr, history.indices, order), places)
    return places


def miscalibration_at(
    items: Indices, users: Indices, tastes: csr_array, labels: csr_array, cutoffs: tuple[int, ...]
) -> Mapping[int | None, Float64s]:
    """Compute k to how far the labels of the first k are from those of the history, float64[n]; 0 is perfect.

    The Kullback-Leibler divergence Σ p ln(p / q'), q' = .99 q + .01 p, of the list's distribution q from the history's
    p. NaN where either holds no labelled item. Steck (2018), "Calibrated recommendations".

    Args:
        items: int32[n, depth], padded with -1.
        users: int32[n].
        tastes: CSR [n_users, n_labels], rows sum to 1 or are empty: the p of each user.
        labels: CSR [n_items, n_labels], likewise for each item.
        cutoffs: The k.
    """
    found = np.full((len(items), len(cutoffs)), np.nan)
    ends = np.array(cutoffs, dtype=np.int64)
    parts = [(matrix.indptr, matrix.indices, matrix.data) for matrix in (tastes, labels)]
    _diverge(items, users, (*parts, np.zeros(labels.shape[1]), ends), found)
    return {k: found[:, place] for place, k in enumerate(cutoffs)}


@njit(nogil=True, cache=True)
def _mark(items, users, starts, relevant, hits):
    for row in range(items.shape[0]):
        mine = relevant[starts[users[row]] : starts[users[row] + 1]]
        for place in range(items.shape[1]):
            found = np.searchsorted(mine, items[row, place])
            hits[row, place] = found < len(mine) and mine[found] == items[row, place]


@njit(nogil=True, cache=True)
def _sum_pairs(items, features, summed, similarity):
    """Fill `similarity` with the summed cosines of the pairs up to each place; `summed` is scratch space of a list."""
    starts, columns, values = features
    for row in range(items.shape[0]):
        total = 0.0
        for place in range(items.shape[1]):
            item = items[row, place]
            if item >= 0:
                for entry in range(starts[item], starts[item + 1]):
                    total += summed[columns[entry]] * values[entry]
                    summed[columns[entry]] += values[entry]
            similarity[row, place] = total
        for place in range(items.shape[1]):
            item = items[row, place]
            if item >= 0:
                for entry in range(starts[item], starts[item + 1]):
                    summed[columns[entry]] = 0.0


@njit(nogil=True, cache=True)
def _place_hits(hits, items, users, known, places):
    starts, seen, order = known
    for row in range(items.shape[0]):
        mine = seen[starts[users[row]] : starts[users[row] + 1]]
        for place in range(items.shape[1]):
            if hits[row, place]:
                own = order[items[row, place]]
                before = 0
                for item in mine:
                    before += order[item] < own
                places[row, place] = own - before


@njit(nogil=True, cache=True)
def _diverge(items, users, known, found):
    tastes, labels, shown, ends = known
    for row in range(items.shape[0]):
        n_labelled, end = 0, 0
        for place in range(items.shape[1]):
            item = items[row, place]
            if item >= 0:
                n_labelled += labels[0][item + 1] > labels[0][item]
                for entry in range(labels[0][item], labels[0][item + 1]):
                    shown[labels[1][entry]] += labels[2][entry]
            if end < len(ends) and place + 1 == ends[end]:
                found[row, end] = _divergence(users[row], tastes, shown, n_labelled)
                end += 1
        for place in range(items.shape[1]):
            item = items[row, place]
            if item >= 0:
                for entry in range(labels[0][item], labels[0][item + 1]):
                    shown[labels[1][entry]] = 0.0


@njit(nogil=True, cache=True)
def _divergence(user, tastes, shown, n_labelled):
    first, last = tastes[0][user], tastes[0][user + 1]
    if first == last or n_labelled == 0:
        return np.nan
    total = 0.0
    for entry in range(first, last):
        p = tastes[2][entry]
        q = (1 - SMOOTHING) * shown[tastes[1][entry]] / n_labelled + SMOOTHING * p
        total += p * np.log(p / q)
    return total
