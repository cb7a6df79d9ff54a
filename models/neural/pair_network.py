"""The forward pass of neural matrix factorisation in NumPy: likes to scores."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.sparse import csr_array

from models.neural.unit_rows import unit_rows
from nightschool.contract import Float32s

_UNITS: Final = 1 << 22  # of a layer that are in memory at a time


@dataclass(frozen=True, eq=False)
class PairNetwork:
    """A fitted network of a branch that multiplies vectors (GMF) and one of two layers (MLP).

    Attributes:
        history: float32 [n_items, factors + width], what a like adds to the user's vector.
        vectors: float32 [n_items, factors + width], of the items that are scored.
        inner: float32 [2 · width + 1, width]: of the user's vector, of the item's, and the bias.
        outer: float32 [width + 1, width // 2]; the last row is the bias.
        output: float32 [factors + width // 2], the weights of both branches' last units.
    """

    history: Float32s
    vectors: Float32s
    inner: Float32s
    outer: Float32s
    output: Float32s

    def score(self, likes: csr_array) -> Float32s:
        """Return the logit of each item, float32 [n, n_items], for likes, CSR float32 of the same shape."""
        width = self.outer.shape[0] - 1
        factors = self.history.shape[1] - width
        users = unit_rows(likes) @ self.history
        scores: Float32s = (users[:, :factors] * self.output[:factors]) @ self.vectors[:, :factors].T
        of_users = users[:, factors:] @ self.inner[:width] + self.inner[-1]
        of_items = self.vectors[:, factors:] @ self.inner[width:-1]
        step = max(1, _UNITS // max(of_items.size, 1))
        for start in range(0, len(users), step):
            hidden = np.maximum(of_users[start : start + step, None] + of_items[None], 0)
            hidden = np.maximum(hidden @ self.outer[:-1] + self.outer[-1], 0)
            scores[start : start + step] += hidden @ self.output[factors:]
        return scores
