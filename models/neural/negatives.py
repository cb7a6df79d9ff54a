"""Items that a network tells the right one from: drawn uniformly or by popularity, or the others of the batch."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from nightschool.contract import Float32s


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

    def in_batch(self, key: Array, number: int, items: Array, counts: Array) -> tuple[Array, Array]:
        """Draw items with replacement from those of a batch's examples, as `draw` returns them.

        Popular items are examples more often: `logs` are those of each item's share of all examples, so of power 1.

        Args:
            key: Of the draws.
            number: How many to draw.
            items: int32 [n], the item of each example.
            counts: bool [n], which of them are examples; the others are padding.

        Reference:
            Yi et al., "Sampling-Bias-Corrected Neural Modeling for Large Corpus Item Recommendations", RecSys 2019.
        """
        until = jnp.cumsum(jnp.asarray(counts, int))
        places = jnp.searchsorted(until, jax.random.uniform(key, (number,)) * until[-1], side="right")
        drawn = jnp.asarray(items)[jnp.minimum(places, len(until) - 1)]
        return drawn, jnp.asarray(self.logs)[drawn] + np.float32(np.log(number))
