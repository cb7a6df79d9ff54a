"""Items that a network tells the right one from: drawn uniformly or by popularity, or the others of the batch."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from nightschool.contract import Float32s
from nightschool.ranking.self_attention import HIDDEN


class Draws(NamedTuple):
    """The distribution that negatives are drawn from.

    Attributes:
        cumulated: float32 [n_items], cumulated probabilities.
        logs: float32 [n_items], the logarithms of the probabilities.
    """

    cumulated: Float32s
    logs: Float32s

    @classmethod
    def of(cls, counts: "np.ndarray[Any, Any]", power: float) -> "Draws":
        """Draw items in proportion to a power of their counts, which count at least 1; power 0 is uniform."""
        shares = np.maximum(counts, 1).astype(np.float64) ** power
        shares /= shares.sum()
        return cls(np.cumsum(shares).astype(np.float32), np.log(shares).astype(np.float32))

    def items(self, key: Array, shape: tuple[int, ...]) -> Array:
        """Draw items with replacement, int32 of this shape."""
        places = jnp.searchsorted(self.cumulated, jax.random.uniform(key, shape))
        return jnp.minimum(places, len(self.cumulated) - 1)

    def draw(self, key: Array, number: int) -> tuple[Array, Array]:
        """Draw items with replacement, and return with each the logarithm of how often it is expected.

        With them taken off the logits, the sum over what is drawn estimates that over all items without bias.
        """
        drawn = self.items(key, (number,))
        return drawn, jnp.asarray(self.logs)[drawn] + np.float32(np.log(number))


def in_batch(logits: Array, targets: Array, logs: Array) -> Array:
    """Correct logits of a batch's queries against its own targets, float32 [n, n], for a softmax along each row.

    Popular items are targets of others more often, so that the logarithm of an item's probability is taken off; what
    equals a row's own target does not count against it.

    Args:
        logits: float32 [n, n], query by target.
        targets: int32 [n], the item of each column, that of the row of the same number being right.
        logs: float32 [n_items], the logarithm of each item's share of all examples, as `Draws.of(counts, 1.0).logs`.

    Reference:
        Yi et al., "Sampling-Bias-Corrected Neural Modeling for Large Corpus Item Recommendations", RecSys 2019.
    """
    same = (targets[:, None] == targets[None, :]) & ~np.eye(len(targets), dtype=bool)
    return jnp.where(same, HIDDEN, logits - logs[targets][None, :])
