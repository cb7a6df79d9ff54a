"""Item-to-item weights cut to the largest of each history item."""

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray
from scipy.sparse import csr_array

from nightschool.errors import NightschoolError

# numba compiles these by the types of their arguments, which annotations would not change.
# mypy: disable-error-code="no-untyped-def"

_SHIFT = 20  # of a float32's bits: what is left of a size without a sign is its exponent and three binary digits
_BUCKETS = 1 << (31 - _SHIFT)


def keep_largest(rows: NDArray[np.floating], n: int) -> csr_array:
    """Keep the n entries of largest size in each row, CSR float32 of the same shape, columns ascending, no zeros.

    Equal sizes are kept by ascending column.

    Args:
        rows: [n_rows, n_columns]; float64 is rounded to float32.
        n: Entries kept in each row.

    Raises:
        NightschoolError: An entry is NaN.
    """
    rows = rows.astype(np.float32, copy=False)
    columns = np.empty((len(rows), min(n, rows.shape[1])), dtype=np.int32)
    counts = np.zeros(len(rows), dtype=np.int64)
    if _keep_of_rows(rows, columns, counts):
        raise NightschoolError("a weight is NaN", seen="a row of weights", do="correct the model that made it")
    kept = np.arange(columns.shape[1]) < counts[:, None]
    values = np.take_along_axis(rows, np.where(kept, columns, 0), axis=1)[kept]
    return csr_array((values, columns[kept], _starts(counts)), shape=rows.shape)


def keep_largest_entries(matrix: csr_array, n: int) -> csr_array:
    """Keep the n stored entries of largest size in each row of a sparse matrix, CSR float32 of the same shape.

    Args:
        matrix: CSR, columns ascending in each row.
        n: Entries kept in each row.

    Raises:
        NightschoolError: An entry is NaN.
    """
    matrix = matrix.astype(np.float32, copy=False)
    places = np.empty(matrix.nnz, dtype=np.int32)
    counts = np.zeros(matrix.shape[0], dtype=np.int64)
    if _keep_of_entries(matrix.indptr, matrix.data, n, places, counts):
        raise NightschoolError("a weight is NaN", seen="a row of weights", do="correct the model that made it")
    rows = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    place_in_row = np.arange(matrix.nnz) - matrix.indptr[rows]
    written = place_in_row < counts[rows]
    kept = places[written] + matrix.indptr[rows[written]]
    return csr_array((matrix.data[kept], matrix.indices[kept], _starts(counts)), shape=matrix.shape)


def _starts(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.concatenate([[0], np.cumsum(counts)])


@njit(parallel=True, cache=True)
def _keep_of_rows(rows, columns, counts):
    """Fill the columns kept of each row, ascending, and how many they are; return how many entries are NaN."""
    n_nan = 0
    for row in prange(rows.shape[0]):
        n_nan += np.isnan(rows[row]).sum()
        counts[row] = keep_places(np.abs(rows[row]), columns.shape[1], columns[row])
    return n_nan


@njit(parallel=True, cache=True)
def _keep_of_entries(starts, values, n, places, counts):
    """Fill the places kept of each row's stored entries, counted from its start; return how many are NaN."""
    n_nan = 0
    for row in prange(len(starts) - 1):
        own = values[starts[row] : starts[row + 1]]
        n_nan += np.isnan(own).sum()
        counts[row] = keep_places(np.abs(own), n, places[starts[row] : starts[row + 1]])
    return n_nan


@njit(cache=True)
def keep_places(sizes, n, places):
    """Write the places of the n largest sizes, ascending, ties by place, never of a zero; return how many.

    Args:
        sizes: float32, none of them negative.
        n: Places wanted.
        places: int32, as many as sizes or n, whichever is less.
    """
    if n == 0:
        return 0
    bound, ties = _bound(sizes, n)
    count = 0
    for place in range(len(sizes)):
        size = sizes[place]
        if size > bound:
            places[count] = place
            count += 1
        elif size == bound and ties > 0:
            places[count] = place
            count += 1
            ties -= 1
    return count


@njit(cache=True)
def _bound(sizes, n):
    """Find the n-th largest size and how many of that size belong to the n; zeros where fewer are above zero."""
    if np.count_nonzero(sizes) < n:
        return np.float32(0), 0
    buckets = sizes.view(np.uint32) >> np.uint32(_SHIFT)  # larger sizes have larger bits
    counts = np.zeros(_BUCKETS, np.int64)
    for place in range(len(buckets)):
        counts[buckets[place]] += 1
    above, bucket = 0, _BUCKETS - 1
    while bucket > 0 and above + counts[bucket] < n:
        above += counts[bucket]
        bucket -= 1
    members = np.sort(sizes[buckets == bucket])
    if above + len(members) < n or members[len(members) - (n - above)] == 0:
        return np.float32(0), 0
    bound = members[len(members) - (n - above)]
    return bound, n - above - np.sum(members > bound)
