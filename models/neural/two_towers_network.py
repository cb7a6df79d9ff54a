"""The forward pass of two towers in NumPy: likes, attributes and a context to scores."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from nightschool.contract import Float32s, Mask

LEAST_WEIGHT = np.float32(1e-6)
"""Of the likes of a user together, so that none divides by nothing."""


@dataclass(frozen=True, eq=False)
class TwoTowers:
    """A fitted tower of users over the outputs of that of items.

    Attributes:
        items: float32 [n_items, 2·d + 2], of each item its vector, its bias, what a like of it says of a user, and the
            logarithm of how much that counts.
        inner: float32 [d + 2, hidden]; reads the sum of what likes say and ln(1 + their number); the last row is the
            bias, here and below.
        outer: float32 [hidden + 1, d].
    """

    items: Float32s
    inner: Float32s
    outer: Float32s

    def score(self, likes: csr_array, known: Float32s | None = None) -> Float32s:
        """Return the logit of each item, float32 [n, n_items].

        Args:
            likes: CSR float32 [n, n_items], ones.
            known: float32 [n, d], what attributes and context say of the users; None: nothing.
        """
        width = self.outer.shape[1]
        vectors, biases = self.items[:, :width], self.items[:, width]
        weights = np.exp(self.items[:, -1:])
        sums = likes @ np.hstack([weights * self.items[:, width + 1 : -1], weights])
        said = sums[:, :-1] / np.sqrt(np.maximum(sums[:, -1:], LEAST_WEIGHT))
        said = said if known is None else said + known
        number = np.log1p(np.diff(likes.indptr)).astype(np.float32)[:, None]
        hidden = np.maximum(np.hstack([said, number]) @ self.inner[:-1] + self.inner[-1], 0)
        users = said + hidden @ self.outer[:-1] + self.outer[-1]
        logits: Float32s = users @ vectors.T
        logits += biases
        return logits


def described_items(arrays: Mapping[str, Float32s], descriptions: Float32s, learned: Mask) -> Float32s:
    """Return the outputs of the tower of items, float32 [n, 2·d + 2].

    Args:
        arrays: The layers `content` and `described`, and `ids`, float32 [n_learned, 2·d + 2], the own part of each item
            that was learned.
        descriptions: float32 [n, n_dimensions].
        learned: bool [n], which items were learned.
    """
    hidden = np.maximum(descriptions @ arrays["content"][:-1] + arrays["content"][-1], 0)
    outputs: Float32s = hidden @ arrays["described"][:-1] + arrays["described"][-1]
    outputs[learned] += arrays["ids"]
    return outputs
