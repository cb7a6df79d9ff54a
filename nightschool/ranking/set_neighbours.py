"""Nearest rows of a history matrix: cosine of the sets of their columns."""

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.sparse import csr_array

from nightschool.contract import Float32s, Indices
from nightschool.ranking.blocks import each_block
from nightschool.ranking.heap import is_worse, sift_down, sift_up, sort_best_first

_ROUNDING = 1e-5  # how far a product of float32 numbers may be off, and more
_SEGMENT = 64
_ROWS_A_BLOCK = 256  # a block has one counter a row of the matrix, which its rows share one after the other


class Neighbours(NamedTuple):
    """The nearest rows of each row, best first.

    Attributes:
        rows: int32 [n, k]; -1 where fewer than k rows are found.
        scores: float32 [n, k], cosine of the two sets.
        support: int32 [n, k], how many columns they share.
    """

    rows: Indices
    scores: Float32s
    support: NDArray[np.int32]


def nearest_by_sets(history: csr_array, k: int, min_support: int) -> Neighbours:
    """Find the k rows with the highest cosine of stored columns with each row, never the row itself.

    Args:
        history: CSR [n, n_items]; stored entries count alike.
        k: Rows to find.
        min_support: Columns that two rows must share.
    """
    n_rows = history.shape[0]
    found = Neighbours(
        np.full((n_rows, k), -1, dtype=np.int32),
        np.full((n_rows, k), -np.inf, dtype=np.float32),
        np.zeros((n_rows, k), dtype=np.int32),
    )
    sizes = np.diff(history.indptr)
    # Rows of about the same size are neighbours in memory: one bound on what they must share holds for all of them.
    order = np.argsort(sizes, kind="stable").astype(np.int32)
    columns = csr_array(history[order]).T.tocsr()
    by_size = order, np.argsort(order).astype(np.int32), np.maximum(sizes[order], 1)
    # An index without a sign needs no test for being counted from the end.
    holders = columns.indptr, columns.indices.astype(np.uint32)
    counter = np.zeros(1, dtype=np.uint16 if sizes.max(initial=0) <= np.iinfo(np.uint16).max else np.uint32)
    rows = history.indptr, history.indices
    each_block(lambda block: _find(block, rows, holders, by_size, (counter, min_support), found), n_rows, _ROWS_A_BLOCK)
    return found


@njit(nogil=True, cache=True)
def _find(block, history, columns, by_size, counting, found):  # type: ignore[no-untyped-def]  # numba compiles it by argument
    """Fill `found` for a block of rows.

    `by_size` holds the rows by their size, the place of each row there, and the size at each place, at least one;
    `counting` holds an array of the type of number that shared columns are counted in, and how many must be shared.
    """
    starts, items = history
    places = by_size[1]
    counter, min_support = counting
    shared = np.empty(len(places), dtype=counter.dtype)
    for row in block:
        _count(items[starts[row] : starts[row + 1]], columns, shared)
        shared[places[row]] = 0
        kept = _best(row, by_size, shared, np.uint32(max(min_support, 1)), found)
        sort_best_first(found[0][row], found[1][row], kept)
        for place in range(kept):
            found[2][row, place] = shared[places[found[0][row, place]]]


@njit(cache=True)
def _count(items, columns, shared):  # type: ignore[no-untyped-def]  # as above
    """Fill `shared` with how many of the items each row has."""
    column_starts, rows = columns
    shared[:] = 0
    for entry in range(len(items)):
        holders = rows[column_starts[items[entry]] : column_starts[items[entry] + 1]]
        for place in range(len(holders)):
            shared[holders[place]] += 1


@njit(cache=True)
def _best(row, by_size, shared, least, found):  # type: ignore[no-untyped-def]  # as above
    """Keep the best rows that share enough in the heap of this row; return how many."""
    order, places, sizes = by_size
    size = sizes[places[row]]
    root = np.float32(np.sqrt(size))
    kept, bound = 0, np.float32(0)
    for first in range(0, len(shared), _SEGMENT):
        counts = shared[first : first + _SEGMENT]
        needed = max(least, np.uint32(np.ceil(bound * np.float32(np.sqrt(sizes[first])))))
        promising = False
        for place in range(len(counts)):
            promising |= counts[place] >= needed
        if not promising:
            continue
        for place in range(len(counts)):
            # The division is for the few that may enter the list.
            if counts[place] >= needed:
                score = np.float32(counts[place] / np.sqrt(size * sizes[first + place]))
                kept = offer(found[0][row], found[1][row], kept, order[first + place], score)
                if kept == found[0].shape[1]:
                    bound = found[1][row, 0] * root * np.float32(1 - _ROUNDING)
    return kept


@njit(cache=True)
def offer(rows, scores, kept, row, score):  # type: ignore[no-untyped-def]  # as above
    """Offer an entry to a heap, which may refuse it; return how many entries the heap has."""
    if kept < len(rows):
        sift_up(rows, scores, kept, row, score)
        return kept + 1
    if is_worse(scores[0], rows[0], score, row):
        sift_down(rows, scores, kept, row, score)
    return kept
