"""The kernel of top-k: a bound that k of a row's entries reach, so that few of them are ever compared."""

import numpy as np
from numba import njit

from nightschool.ranking.heap import sift_up, sort_best_first

# numba compiles these by the types of their arguments, which annotations would not change.
# mypy: disable-error-code="no-untyped-def"

_AT_ONCE = 64  # entries that are compared without a branch: a few vector registers
_COUNTED = 512  # entries up to which counting those that come before each is quicker than sorting
_LOWEST, _HIGHEST = np.array([np.finfo(np.float32).min, np.inf], dtype=np.float32).view(np.int32)


@njit(nogil=True, cache=True)
def keep_best(scores, items, values):
    """Fill `items` and `values` with the best of each row, ties by ascending index; return how many rows hold NaN.

    Args:
        scores: float32 [n, n_items].
        items: int32 [n, k], filled with -1.
        values: float32 [n, k], filled with -inf.
    """
    maxima, found = scratch(scores.shape[1], items.shape[1])
    n_broken = 0
    for row in range(scores.shape[0]):
        n_found = find_best(scores[row], items.shape[1], maxima, found)
        n_broken += n_found < 0
        _sort(scores[row], found[: max(n_found, 0)], items[row], values[row])
    return n_broken


@njit(cache=True)
def scratch(n_items, k):
    """Allocate what `find_best` writes to: two maxima or more for each of the k, and the indices it finds."""
    n_maxima = max(2, (2 * min(k, n_items) + _AT_ONCE - 1) // _AT_ONCE) * _AT_ONCE
    return np.empty(n_maxima, np.float32), np.empty(n_items, np.int32)


@njit(cache=True)
def find_best(row, k, maxima, found):
    """Write the indices of the k best above -inf to `found`, ascending; return how many, or -1 where one is NaN.

    Each maximum is that of entries as far apart as there are maxima, so a bound that k of these reach, k entries reach.
    """
    _find_maxima(row, maxima)
    n_found = _collect(row, k, reached_by(maxima, k), found)
    return _cut(row, k, found[:n_found])


@njit(cache=True)
def reached_by(values, k):
    """Find a bound that at least k values reach and at most k exceed; the lowest float where fewer are above -inf.

    Bisects the bits, in which floats are ordered as integers are: no branch depends on a value, and ties cost nothing.
    """
    bits = values.view(np.int32)
    low, high = np.int64(_in_order(_LOWEST)), np.int64(_in_order(_HIGHEST))
    while low < high:
        middle = np.int32((low + high + 1) >> 1)
        n_over = np.int32(0)
        for place in range(len(bits)):
            n_over += _in_order(bits[place]) >= middle
        if n_over >= k:
            low = np.int64(middle)
        else:
            high = np.int64(middle) - 1
        if n_over == k:
            break
    return np.int32(_in_order(np.int32(low))).view(np.float32)


@njit(cache=True)
def _in_order(bits):
    """Map float32 bits to an int32 of the same order, and back."""
    return bits ^ ((bits >> np.int32(31)) & np.int32(0x7FFFFFFF))


@njit(cache=True)
def _find_maxima(row, maxima):
    maxima[:] = -np.inf
    for first in range(0, len(row), len(maxima)):
        entries = row[first : min(first + len(maxima), len(row))]
        for place in range(len(entries)):
            maxima[place] = entries[place] if entries[place] > maxima[place] else maxima[place]  # max() is slower here


@njit(cache=True)
def _collect(row, k, bound, found):
    """Collect entries not below the bound, NaN too, but not ties that k others come before; return how many."""
    n_found, whole = np.int64(0), len(row) // _AT_ONCE * _AT_ONCE
    above = np.nextafter(bound, np.float32(np.inf))
    for first in range(0, whole, _AT_ONCE):
        entries = row[first : first + _AT_ONCE]
        hits = np.int32(0)  # a single hit tells its place, so that no branch depends on whether there is one
        for place in range(_AT_ONCE):
            hits += np.int32(0) if entries[place] < bound else np.int32(_AT_ONCE + place)
        if hits < 2 * _AT_ONCE:
            found[n_found] = first + hits % _AT_ONCE
            n_found += hits // _AT_ONCE
        else:
            for place in range(_AT_ONCE):
                found[n_found] = first + place
                n_found += not entries[place] < bound
            if n_found >= k:  # what only reaches the bound has k of a lower index before it
                bound = above
    for place in range(whole, len(row)):
        found[n_found] = place
        n_found += not row[place] < bound
    return n_found


@njit(cache=True)
def _cut(row, k, found):
    """Keep the indices of the k best; return how many, or -1 where one is NaN."""
    values = row[found]
    bound = reached_by(values, k)
    n_nan, n_over = np.int32(0), np.int32(0)
    for place in range(len(values)):
        n_nan += values[place] != values[place]
        n_over += values[place] > bound
    ties, kept = k - n_over, 0
    for place in range(len(values)):
        if values[place] > bound or (values[place] == bound and ties > 0):
            ties -= values[place] == bound
            found[kept] = found[place]
            kept += 1
    return -1 if n_nan else kept


@njit(cache=True)
def _sort(row, found, items, values):
    """Write the items found and their scores, best first."""
    chosen = row[found]
    if len(found) > _COUNTED:
        for place in range(len(found)):
            sift_up(items, values, place, found[place], chosen[place])
        sort_best_first(items, values, len(found))
        return
    for place in range(len(found)):
        value, before, after = chosen[place], chosen[:place], chosen[place:]
        rank = np.int32(0)
        for other in range(len(before)):
            rank += before[other] >= value
        for other in range(len(after)):
            rank += after[other] > value
        items[rank], values[rank] = found[place], value
