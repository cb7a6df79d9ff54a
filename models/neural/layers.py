"""Layers whose last row is the bias."""

import numpy as np
from jax import Array

from nightschool.contract import Float32s


def drawn_layer(rng: np.random.Generator, inputs: int, outputs: int) -> Float32s:
    """Draw the weights of a layer, float32 [inputs + 1, outputs], without bias at first.

    Reference:
        Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks", AISTATS 2010.
    """
    weights = rng.standard_normal((inputs + 1, outputs)) * np.sqrt(2 / (inputs + outputs))
    weights[-1] = 0
    drawn: Float32s = weights.astype(np.float32)
    return drawn


def layer(inputs: Array, weights: Array) -> Array:
    """Return the units before their nonlinearity, float32 [n, outputs], of float32 [n, inputs]."""
    return inputs @ weights[:-1] + weights[-1]
