"""The history item that contributes most to each item of a list."""

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.sparse import csr_array


def strongest_reasons(items: NDArray[np.int32], history: csr_array, weights: csr_array) -> NDArray[np.int32]:
    """Find the history item with the largest history · weight for each listed item; -1 where none is above zero.

    Args:
        items: int32 [b, k], the lists; -1 is padding.
        history: CSR [b, n_items], the histories of the same users, indices ascending.
        weights: CSR [n_items of the history, n_items to recommend].

    Returns:
        Item indices, int32 [b, k]; ties go to the lowest index.
    """
    found = np.full(items.shape, -1, dtype=np.int32)
    _tell(
        items,
        (history.indptr, history.indices, history.data),
        (weights.indptr, weights.indices, weights.data),
        weights.shape[1],
        found,
    )
    return found


@njit(nogil=True, cache=True)
def _tell(items, history, weights, n_items, found):  # type: ignore[no-untyped-def]  # numba compiles it by argument
    """Fill `found`."""
    starts, seen, values = history
    weight_starts, neighbours, strengths = weights
    place_of = np.full(n_items, -1, dtype=np.int32)
    for row in range(items.shape[0]):
        strongest = np.zeros(items.shape[1], dtype=np.float32)
        for place in range(items.shape[1]):
            if items[row, place] >= 0:
                place_of[items[row, place]] = place
        for entry in range(starts[row], starts[row + 1]):
            for neighbour in range(weight_starts[seen[entry]], weight_starts[seen[entry] + 1]):
                place = place_of[neighbours[neighbour]]
                strength = values[entry] * strengths[neighbour]
                if place >= 0 and strength > strongest[place]:
                    strongest[place] = strength
                    found[row, place] = seen[entry]
        for place in range(items.shape[1]):
            if items[row, place] >= 0:
                place_of[items[row, place]] = -1
