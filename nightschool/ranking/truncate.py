"""Item-to-item weights cut to the largest of each history item."""

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.sparse import csr_array

from nightschool.errors import NightschoolError
from nightschool.ranking.best import find_best, scratch
from nightschool.ranking.blocks import each_block

# numba compiles these by the types of their arguments, which annotations would not change.
# mypy: disable-error-code="no-untyped-def"

_ROWS = 256  # sparse rows a block


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
    if sum(each_block(lambda block: _keep_of_rows(block, rows, columns, counts), len(rows))):
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
    starts, values = matrix.indptr, matrix.data
    if sum(each_block(lambda block: _keep_of_entries(block, starts, values, n, places, counts), len(counts), _ROWS)):
        raise NightschoolError("a weight is NaN", seen="a row of weights", do="correct the model that made it")
    rows = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    place_in_row = np.arange(matrix.nnz) - matrix.indptr[rows]
    written = place_in_row < counts[rows]
    kept = places[written] + matrix.indptr[rows[written]]
    return csr_array((matrix.data[kept], matrix.indices[kept], _starts(counts)), shape=matrix.shape)


def _starts(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.concatenate([[0], np.cumsum(counts)])


@njit(nogil=True, cache=True)
def _keep_of_rows(block, rows, columns, counts):
    """Fill the columns kept of each row of a block, ascending, and how many they are; return how many rows hold NaN."""
    sizes, n_broken = np.empty(rows.shape[1], np.float32), 0
    for row in block:
        _measure(rows[row], sizes)
        counts[row] = keep_places(sizes, columns.shape[1], columns[row])
        n_broken += counts[row] < 0
    return n_broken


@njit(nogil=True, cache=True)
def _keep_of_entries(block, starts, values, n, places, counts):
    """Fill the places kept of each row's stored entries, counted from its start; return how many rows hold NaN."""
    n_broken = 0
    for row in block:
        first, last = starts[row], starts[row + 1]
        sizes = np.empty(last - first, np.float32)
        _measure(values[first:last], sizes)
        counts[row] = keep_places(sizes, n, places[first:last])
        n_broken += counts[row] < 0
    return n_broken


@njit(cache=True)
def _measure(values, sizes):
    for place in range(len(values)):
        sizes[place] = abs(values[place])


@njit(cache=True)
def keep_places(sizes, n, places):
    """Write the places of the n largest sizes, ascending, ties by place, never of a zero; return how many, -1 with NaN.

    Args:
        sizes: float32, none of them negative.
        n: Places wanted.
        places: int32, as many as sizes or n, whichever is less.
    """
    if n == 0 or len(sizes) == 0:
        return 0
    maxima, found = scratch(len(sizes), n)
    n_found, count = find_best(sizes, n, maxima, found), 0
    if n_found < 0:
        return -1
    for place in found[:n_found]:
        if sizes[place] > 0:
            places[count] = place
            count += 1
    return count
