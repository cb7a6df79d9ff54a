"""The kernel of top-k: a row's best entries lie in its best segments, so that few of them are ever compared."""

import numpy as np
from numba import njit

# numba compiles these by the types of their arguments, which annotations would not change.
# mypy: disable-error-code="no-untyped-def"

_LONGEST_SEGMENT = 64


@njit(nogil=True, cache=True)
def keep_best(scores, items, values):
    """How many scores are NaN; fills `items` (from -1) and `values` (from -inf), best first, ties by ascending index.

    Args:
        scores: float32 [n, n_items].
        items: int32 [n, k], filled with -1.
        values: float32 [n, k], filled with -inf.
    """
    n_items, k = scores.shape[1], items.shape[1]
    maxima, found, negated = scratch(n_items, k)
    n_nan = 0
    for row in range(scores.shape[0]):
        n_nan += count_nan(scores[row])
        n_found = find_best(scores[row], k, maxima, found, negated)
        order = np.argsort(negated[:n_found], kind="mergesort")  # stable: ties stay by index
        for place in range(min(k, n_found)):
            items[row, place] = found[order[place]]
            values[row, place] = -negated[order[place]]
    return n_nan


@njit(cache=True)
def scratch(n_items, k):
    """Memory that `find_best` writes to: the maxima of the segments, and the indices and negated scores it finds."""
    n_segments = (n_items + _segment(n_items, k) - 1) // _segment(n_items, k)
    return np.empty(n_segments, np.float32), np.empty(n_items, np.int32), np.empty(n_items, np.float32)


@njit(cache=True)
def find_best(row, k, maxima, found, negated):
    """How many entries it wrote to `found` and `negated`, ascending by index: the k best, and few others.

    The k-th largest maximum of the segments is a bound that k entries reach, so whatever lies below is left alone.
    """
    size = _segment(len(row), k)
    n_segments = len(maxima)
    _find_maxima(row, size, maxima)
    bound = kth_largest(maxima.copy(), k) if n_segments > k else np.float32(-np.inf)
    n_found = 0
    for segment in range(n_segments):
        if maxima[segment] >= bound and maxima[segment] > -np.inf:
            first = segment * size
            entries = row[first : min(first + size, len(row))]
            for place in range(len(entries)):
                if entries[place] >= bound and entries[place] > -np.inf:
                    found[n_found] = first + place
                    negated[n_found] = -entries[place]
                    n_found += 1
    return n_found


@njit(cache=True)
def kth_largest(values, k):
    """The k-th largest value, k from 1; reorders the values.

    Hoare's selection, which many equal values do not slow down as they do numba's `np.partition`.
    """
    low, high = 0, len(values) - 1
    while low < high:
        pivot = values[(low + high) >> 1]
        left, right = low, high
        while left <= right:
            while values[left] > pivot:
                left += 1
            while values[right] < pivot:
                right -= 1
            if left <= right:
                values[left], values[right] = values[right], values[left]
                left += 1
                right -= 1
        if k - 1 <= right:
            high = right
        elif k - 1 >= left:
            low = left
        else:
            break
    return values[k - 1]


@njit(cache=True)
def count_nan(row):
    """How many entries are NaN."""
    n_nan = np.int32(0)
    for place in range(len(row)):
        n_nan += row[place] != row[place]
    return n_nan


@njit(cache=True)
def _segment(n_items, k):
    """Entries a segment: short enough for twice k of them, so that their k-th largest maximum is a close bound."""
    return max(1, min(_LONGEST_SEGMENT, n_items // (2 * k)))


# A comparison with NaN may come out either way: `count_nan` has seen it.
@njit(cache=True, fastmath={"nnan", "nsz"})
def _find_maxima(row, size, maxima):
    for segment in range(len(maxima)):
        entries = row[segment * size : min((segment + 1) * size, len(row))]
        largest = np.float32(-np.inf)
        for place in range(len(entries)):
            largest = entries[place] if entries[place] > largest else largest  # max() is slower here
        maxima[segment] = largest
