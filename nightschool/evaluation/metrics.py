"""Ranking, rating and catalogue metrics of whole blocks of users, as plain functions of arrays."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from nightschool.contract import Float32s, Indices, Mask

Float64s = NDArray[np.float64]
Counts = NDArray[np.int64]


def precision_at(hits: Mask, _n_relevant: Counts, k: int) -> Float64s:
    """Divide the hits among the first k by k, also where a list is shorter; float64[n].

    Args:
        hits: bool[n, depth], whether each place of each list holds a relevant item, best place first.
        _n_relevant: int64[n], each user's relevant held-out items; at least one.
        k: Places that count.
    """
    return np.asarray(hits[:, :k].sum(axis=1) / k)


def recall_at(hits: Mask, n_relevant: Counts, k: int) -> Float64s:
    """Compute the share of the relevant items that are among the first k; float64[n]."""
    return np.asarray(hits[:, :k].sum(axis=1) / n_relevant)


def ndcg_at(hits: Mask, n_relevant: Counts, k: int) -> Float64s:
    """Divide the discounted gain of binary hits by that of a perfect list, min(k, n_relevant) hits first; float64[n].

    Järvelin and Kekäläinen (2002), "Cumulated gain-based evaluation of IR techniques".
    """
    discounts = 1.0 / np.log2(np.arange(2, k + 2))
    ideal = np.cumsum(discounts)[np.minimum(k, n_relevant) - 1]
    places = hits[:, :k]
    return np.asarray(places @ discounts[: places.shape[1]] / ideal)


def map_at(hits: Mask, n_relevant: Counts, k: int) -> Float64s:
    """Sum the precision at each hit among the first k, divided by min(k, n_relevant); float64[n]."""
    places = hits[:, :k]
    precisions = np.cumsum(places, axis=1) / np.arange(1, places.shape[1] + 1)
    summed = (precisions * places).sum(axis=1)
    return np.asarray(summed / np.minimum(k, n_relevant))


def mrr_at(hits: Mask, _n_relevant: Counts, k: int) -> Float64s:
    """Compute 1 / place of the first hit among the first k, or 0 without one; float64[n]."""
    places = hits[:, :k]
    first = places & (np.cumsum(places, axis=1) == 1)
    return np.asarray(first @ (1.0 / np.arange(1, places.shape[1] + 1)))


def hit_rate_at(hits: Mask, _n_relevant: Counts, k: int) -> Float64s:
    """Return 1 where any of the first k is a hit, else 0; float64[n]."""
    return np.asarray(hits[:, :k].any(axis=1), dtype=np.float64)


def auc(scores: Float32s, relevant: Mask, candidates: Mask) -> Float64s:
    """Compute the share of relevant-other candidate pairs scored in this order, ties half; float64[n], or NaN.

    Args:
        scores: float32[n, n_items].
        relevant: bool[n, n_items], the held-out items; those that are not candidates do not count.
        candidates: bool[n, n_items], unseen and available.
    """
    values = np.full(len(scores), np.nan)
    _count_wins(scores, relevant, candidates, values)
    return values


@njit(nogil=True, cache=True)
def _count_wins(scores, relevant, candidates, values):  # type: ignore[no-untyped-def]  # numba compiles it by argument
    """Fill the `values` of rows that have both a relevant candidate and another one."""
    n_items = scores.shape[1]
    others, places = np.empty(n_items, dtype=np.float32), np.empty(n_items, dtype=np.int64)
    for row in range(len(values)):
        n_others, n_relevant, wins = 0, 0, 0.0
        for item in range(n_items):
            if candidates[row, item] and relevant[row, item]:
                places[n_relevant] = item
                n_relevant += 1
            elif candidates[row, item]:
                others[n_others] = scores[row, item]
                n_others += 1
        against = others[:n_others]
        for item in places[:n_relevant]:
            own = scores[row, item]
            below, ties = np.int32(0), np.int32(0)
            for place in range(len(against)):
                below += against[place] < own
                ties += against[place] == own
            wins += below + 0.5 * ties
        if n_others and n_relevant:
            values[row] = wins / (n_others * n_relevant)


def ratio(numerators: Float64s, denominators: Float64s) -> Float64s:
    """Divide elementwise; NaN where a denominator is zero."""
    quotients = np.full(numerators.shape, np.nan)
    np.divide(numerators, denominators, out=quotients, where=denominators != 0)
    return quotients


def mean_over_list(values: Float64s, items: Indices, k: int) -> Float64s:
    """Average an item's value over the first k of each list; float64[n], NaN for an empty list.

    Args:
        values: float64[n_items].
        items: int32[n, depth], padded with -1.
        k: Places that count.
    """
    places = items[:, :k]
    total = np.append(values, 0.0)[places].sum(axis=1)  # padding takes the last value
    lengths = (places >= 0).sum(axis=1)
    return ratio(total, lengths.astype(np.float64))


def popularity_of(history_counts: Counts, n_users: int) -> Float64s:
    """Compute the share of users who have each item, float64[n_items]; an item without users counts as having one."""
    return np.asarray(np.maximum(history_counts, 1) / max(1, n_users))


def self_information(popularity: Float64s) -> Float64s:
    """Compute -log2 of each item's popularity, the novelty of recommending it; float64[n_items].

    Zhou et al. (2010), "Solving the apparent diversity-accuracy dilemma of recommender systems".
    """
    return -np.log2(popularity)


def coverage(shown: Counts, available: Mask) -> float:
    """Compute the share of the available items that any list shows, from how many do, int64[n_items]."""
    return int((shown > 0).sum()) / int(available.sum()) if available.any() else float("nan")


def gini_of_shown(shown: Counts, available: Mask) -> float:
    """Compute the Gini coefficient of how often lists show each available item: 0 evenly, towards 1 one item only."""
    return gini(shown[available])


def gini(counts: NDArray[np.number]) -> float:
    """Compute the Gini coefficient of counts: 0 where all are alike, towards 1 where one has all; NaN of none."""
    ordered = np.sort(counts)
    n, total = len(ordered), ordered.sum()
    if not total:
        return float("nan")
    return float(((2 * np.arange(1, n + 1) - n - 1) * ordered).sum() / (n * total))


def times_shown(items: Indices, n_items: int, k: int) -> Counts:
    """Count the lists, int32[n, depth] padded with -1, that hold each item among their first k; int64[n_items]."""
    return np.bincount(items[:, :k].ravel() + 1, minlength=n_items + 1)[1:]  # padding is counted in front
