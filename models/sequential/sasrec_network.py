"""The self-attention network in JAX: its parameters, its loss and one step of training.

`nightschool.ranking.self_attention` is the same network in NumPy, without dropout.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import Array

from models.neural.jax_steps import compiled
from models.neural.negatives import Draws
from models.sequential.sasrec_batches import Batch
from nightschool.contract import Float32s
from nightschool.ranking.self_attention import EPSILON, HIDDEN

Parameters = Mapping[str, Any]
"""The arrays of `SelfAttention` by their names, but for `items`."""

_SECOND_MOMENT = 0.98
_INITIAL = 0.02
_DROPOUTS = 4  # in a block; one more on the vectors


class Plan(NamedTuple):
    """What a compiled step depends on, beside the shapes of its arrays.

    Attributes:
        learning_rate: Step size of Adam.
        dropout: Share of activations that are dropped.
        negatives: Items that are drawn in each step; 0 for all items.
    """

    learning_rate: float
    dropout: float
    negatives: int


def initial(n_items: int, shape: tuple[int, int, int, int, int], seed: int) -> dict[str, Float32s]:
    """Draw the parameters that training starts from.

    Args:
        n_items: Items to learn.
        shape: Width, hidden width, blocks, heads, length.
        seed: Of the draws.
    """
    width, hidden, blocks, heads, length = shape
    rng = np.random.default_rng(seed)

    def normal(*size: int, scale: float) -> Float32s:
        return (scale * rng.standard_normal(size)).astype(np.float32)

    def with_bias(weights: Float32s) -> Float32s:
        return np.concatenate([weights, np.zeros_like(weights[:, :1])], axis=1)

    ones = np.ones((2 * blocks + 1, width), dtype=np.float32)
    return {
        "vectors": normal(n_items, width, scale=_INITIAL),
        "distances": np.zeros((blocks, heads, length), dtype=np.float32),
        "norms": np.stack([ones, np.zeros_like(ones)], axis=1),
        "attention": normal(blocks, 4, width, width, scale=width**-0.5),
        "inner": with_bias(normal(blocks, width, hidden, scale=width**-0.5)),
        "outer": with_bias(normal(blocks, hidden, width, scale=hidden**-0.5)),
    }


def no_moments(parameters: Parameters) -> Any:
    """Return the state of Adam before the first step."""
    return _adam(0.0).init(jax.tree.map(jnp.asarray, dict(parameters)))


@compiled("plan")
def step(
    parameters: Parameters, moments: Any, batch: Batch, draws: Draws, key: Array, plan: Plan
) -> tuple[Parameters, Any, Array]:
    """Take one step of Adam; return the parameters, its state, and the mean loss of the batch before the step."""
    loss, slopes = jax.value_and_grad(_loss)(parameters, batch, draws, key, plan)
    changes, moments = _adam(plan.learning_rate).update(slopes, moments)
    return optax.apply_updates(parameters, changes), moments, loss


@compiled()
def encode(parameters: Parameters, inputs: Array, segments: Array) -> Array:
    """Return the state at each place of packed rows without dropout, float32 [rows, length, width]."""
    return _encode(parameters, inputs, segments, _Dropout((), 0.0))


def _adam(learning_rate: float) -> optax.GradientTransformation:
    return optax.adam(learning_rate, b2=_SECOND_MOMENT)


class _Dropout:
    """Drops activations, each time by another of the keys; without keys nothing."""

    def __init__(self, keys: Sequence[Array], share: float) -> None:
        self._keys = list(keys)
        self._share = share

    def __call__(self, states: Array) -> Array:
        if not self._keys:
            return states
        kept = jax.random.bernoulli(self._keys.pop(), 1 - self._share, states.shape)
        return jnp.where(kept, states / (1 - self._share), 0)


def _loss(parameters: Parameters, batch: Batch, draws: Draws, key: Array, plan: Plan) -> Array:
    """Return the mean cross-entropy of the next items against all items, or its estimate by drawn ones."""
    for_draws, *for_dropout = jax.random.split(key, 2 + _DROPOUTS * len(parameters["attention"]))
    dropout = _Dropout(for_dropout if plan.dropout else (), plan.dropout)
    states = _encode(parameters, batch.inputs, batch.segments, dropout)
    states, targets = states.reshape(-1, states.shape[-1]), batch.targets.reshape(-1)
    vectors = parameters["vectors"]
    own = (states * vectors[targets]).sum(axis=-1)
    if plan.negatives:
        drawn, weights = draws.draw(for_draws, plan.negatives)
        others = states @ vectors[drawn].T - weights
        others = jnp.where(drawn[None, :] == targets[:, None], HIDDEN, others)
        logits = jnp.concatenate([own[:, None], others], axis=1)
    else:
        logits = states @ vectors.T
    losses = jax.nn.logsumexp(logits, axis=-1) - own
    counted = batch.segments.reshape(-1) > 0
    return (losses * counted).sum() / jnp.maximum(counted.sum(), 1)


def _encode(parameters: Parameters, inputs: Array, segments: Array, dropout: _Dropout) -> Array:
    states = dropout(parameters["vectors"][inputs] * np.float32(np.sqrt(parameters["vectors"].shape[1])))
    ages = np.arange(inputs.shape[1])[:, None] - np.arange(inputs.shape[1])[None, :]
    visible = (segments[:, :, None] == segments[:, None, :]) & (ages >= 0)
    norms, blocks = parameters["norms"], len(parameters["attention"])
    for block in range(blocks):
        nearness = parameters["distances"][block][:, np.maximum(ages, 0)]
        attended = _attend(
            _normalised(states, norms[2 * block]), parameters["attention"][block], nearness, visible, dropout
        )
        states = states + dropout(attended)
        inner, outer = parameters["inner"][block], parameters["outer"][block]
        hidden = jax.nn.relu(_normalised(states, norms[2 * block + 1]) @ inner[:-1] + inner[-1])
        states = states + dropout(dropout(hidden) @ outer[:-1] + outer[-1])
    return _normalised(states, norms[2 * blocks])


def _attend(states: Array, weights: Array, nearness: Array, visible: Array, dropout: _Dropout) -> Array:
    """Mix the values of visible places, float32 [rows, places, width].

    Args:
        states: float32 [rows, places, width].
        weights: float32 [4, width, width]: queries, keys, values, output.
        nearness: float32 [heads, places, places], added to the logits.
        visible: bool [rows, places, places].
        dropout: Applied to the shares of attention.
    """
    rows, places, width = states.shape
    heads = len(nearness)
    queries, keys, values = ((states @ weights[part]).reshape(rows, places, heads, -1) for part in range(3))
    logits = jnp.einsum("rthe,rshe->rhts", queries, keys) * np.float32((width // heads) ** -0.5) + nearness
    shares = dropout(jax.nn.softmax(jnp.where(visible[:, None], logits, HIDDEN), axis=-1))
    return jnp.einsum("rhts,rshe->rthe", shares, values).reshape(rows, places, width) @ weights[3]


def _normalised(states: Array, scale_and_shift: Array) -> Array:
    centred = states - states.mean(axis=-1, keepdims=True)
    variance = (centred * centred).mean(axis=-1, keepdims=True)
    return centred / jnp.sqrt(variance + EPSILON) * scale_and_shift[0] + scale_and_shift[1]
