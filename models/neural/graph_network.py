"""The scores of a graph network in NumPy: likes to scores."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from models.neural.propagation import sums_of_layers
from models.neural.unit_rows import unit_rows
from nightschool.contract import Float32s


@dataclass(frozen=True, eq=False)
class GraphNetwork:
    """Vectors of items after they were carried over the graph.

    Attributes:
        vectors: float32 [n_items, d], the mean of an item's layers.
        sources: float32 [n_items, d], what a like of the item adds to √n times the vector of a user with n likes.
    """

    vectors: Float32s
    sources: Float32s

    @classmethod
    def of(cls, layers: Sequence[Float32s], counts: NDArray[np.int64]) -> Self:
        """Return the network that layers 0 to K make.

        Args:
            layers: Even ones of items, odd ones of users, as `LikeGraph.layers` returns them.
            counts: int64 [n_items], the likes of each item.
        """
        share = np.float32(1 / len(layers))
        read = sum(layers[2 : len(layers) - 1 : 2], layers[0])
        roots = np.sqrt(np.maximum(counts, 1)).astype(np.float32)
        return cls(share * sums_of_layers(layers).items, share * read / roots[:, None])

    def score(self, likes: csr_array) -> Float32s:
        """Return the logit of each item, float32 [n, n_items], for likes, CSR float32 of the same shape."""
        logits: Float32s = (unit_rows(likes) @ self.sources) @ self.vectors.T
        return logits
