"""Which item of a history speaks most for each item of a list."""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array


def strongest_reasons(items: NDArray[np.int32], history: csr_array, weights: csr_array) -> NDArray[np.int32]:
    """The history item with the largest history · weight for each listed item, -1 where none is above zero.

    Args:
        items: int32 [b, k], the lists; -1 is padding.
        history: CSR [b, n_items], the histories of the same users.
        weights: CSR [n_items of the history, n_items to recommend].

    Returns:
        Item indices, int32 [b, k]; ties go to the lowest index.
    """
    n_rows, k = items.shape
    slot_of = np.full((n_rows, weights.shape[1]), -1, dtype=np.int32)
    rows, places = np.nonzero(items >= 0)
    slot_of[rows, items[rows, places]] = places
    owners = np.repeat(np.arange(n_rows), np.diff(history.indptr))
    lengths = np.diff(weights.indptr)[history.indices]
    entries = _expand(weights.indptr[history.indices], lengths)
    because = np.repeat(history.indices, lengths)
    strengths = np.repeat(history.data, lengths) * weights.data[entries]
    owner = np.repeat(owners, lengths)
    place = slot_of[owner, weights.indices[entries]]
    told = (place >= 0) & (strengths > 0)
    slot = owner[told] * k + place[told]
    order = np.lexsort((because[told], -strengths[told], slot))
    slots, first = np.unique(slot[order], return_index=True)
    strongest = np.full(n_rows * k, -1, dtype=np.int32)
    strongest[slots] = because[told][order][first]
    return strongest.reshape(n_rows, k)


def _expand(starts: NDArray[np.int64], lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """The runs [start, start + length) laid end to end."""
    total = int(lengths.sum())
    before = np.repeat(np.cumsum(lengths) - lengths, lengths)
    return np.repeat(starts, lengths) + np.arange(total) - before
