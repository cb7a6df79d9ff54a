"""Histories of some users, as models are asked to score them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from propcache.api import cached_property
from scipy.sparse import csr_array


@dataclass(frozen=True, eq=False)
class Histories:
    """Histories of some users, each a sequence of items where the data tell its order.

    Attributes:
        scores: CSR float32 [n, n_items]; every stored entry was seen.
        places: int32, one an entry of `scores`: how many entries of the same row are newer; None without an order.
    """

    scores: csr_array
    places: NDArray[np.int32] | None = None

    @cached_property
    def likes(self) -> csr_array:
        """Return the histories as sets: ones where the score is above zero, CSR float32 [n, n_items]."""
        return positive(self.scores)

    def __getitem__(self, rows: NDArray[np.int32] | NDArray[np.bool_] | list[int]) -> "Histories":
        """Return the histories of some users, by index or by mask."""
        chosen = self.scores[rows]
        if self.places is None:
            return Histories(chosen)
        ordered = csr_array((self.places, self.scores.indices, self.scores.indptr), shape=self.scores.shape)
        return Histories(chosen, ordered[rows].data)


def positive(history: csr_array) -> csr_array:
    """Return the history as a set: ones where the score is above zero, CSR float32 of the same shape."""
    if (history.data == 1).all():
        return history
    liked = history.data > 0
    return only(liked, np.ones(np.count_nonzero(liked), dtype=np.float32), history)


def only(kept: NDArray[np.bool_], values: NDArray[np.floating], history: csr_array) -> csr_array:
    """Return some entries of the history with other values, CSR float32 of the same shape."""
    starts = np.concatenate([[0], np.cumsum(kept)])[history.indptr]
    return csr_array((values.astype(np.float32, copy=False), history.indices[kept], starts), shape=history.shape)
