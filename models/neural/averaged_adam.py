"""Adam on weights, and the running averages of them, which rank better than the last ones."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax import Array

from nightschool.contract import Float32s


class Rates(NamedTuple):
    """How far a step goes.

    Attributes:
        learning_rate: Step size of Adam.
        decay: Share of all weights that a step of size 1 takes away.
        averaged: Share of the averages that a step leaves, less in the first steps; 0 for the weights themselves.
    """

    learning_rate: float
    decay: float
    averaged: float


class Moments(NamedTuple):
    """The state of training beside the averages.

    Attributes:
        weights: What steps change.
        adam: The state of Adam.
    """

    weights: Mapping[str, Array]
    adam: Any


def no_moments(parameters: Mapping[str, Float32s]) -> Moments:
    """Return the state before the first step."""
    weights = jax.tree.map(jnp.asarray, dict(parameters))
    return Moments(weights, _adam(Rates(0.0, 0.0, 0.0)).init(weights))


def moved(
    averages: Mapping[str, Any], moments: Moments, slopes: Mapping[str, Array], rates: Rates
) -> tuple[Mapping[str, Any], Moments]:
    """Take a step along slopes at the weights; return the averages and the state after it.

    References:
        Loshchilov and Hutter, "Decoupled Weight Decay Regularization", ICLR 2019; Polyak and Juditsky, "Acceleration of
        Stochastic Approximation by Averaging", SIAM Journal on Control and Optimization 30(4), 1992.
    """
    changes, adam = _adam(rates).update(slopes, moments.adam, moments.weights)
    weights = optax.apply_updates(moments.weights, changes)
    number = optax.tree_utils.tree_get(adam, "count")
    share = jnp.minimum(rates.averaged, (number - 1) / (number + 9))
    averages = jax.tree.map(lambda mean, new: share * mean + (1 - share) * new, dict(averages), weights)
    return averages, Moments(weights, adam)


def _adam(rates: Rates) -> optax.GradientTransformation:
    return optax.adamw(rates.learning_rate, weight_decay=rates.decay)
