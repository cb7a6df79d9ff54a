"""Histories of some users, as models are asked to score them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
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

    def __getitem__(self, rows: NDArray[np.int32] | NDArray[np.bool_] | list[int]) -> "Histories":
        """Return the histories of some users, by index or by mask."""
        chosen = self.scores[rows]
        if self.places is None:
            return Histories(chosen)
        ordered = csr_array((self.places, self.scores.indices, self.scores.indptr), shape=self.scores.shape)
        return Histories(chosen, ordered[rows].data)
