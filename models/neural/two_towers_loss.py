"""The two towers in JAX: their parameters, their loss and one step of training.

`models.neural.two_towers_network` is the same network in NumPy, without dropout.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from models.neural.averaged_adam import Moments, Rates, moved
from models.neural.jax_steps import compiled
from models.neural.layers import drawn_layer, layer
from models.neural.negatives import Draws
from models.neural.occasions import Batch
from models.neural.two_towers_network import LEAST_WEIGHT
from nightschool.contract import Float32s
from nightschool.ranking.self_attention import HIDDEN

Parameters = Mapping[str, Any]

_INITIAL = 0.05
_OUTPUT = np.float32(0.1)  # of a usual layer's weights: what descriptions and hidden units add is small at first


class Shape(NamedTuple):
    """The sizes of the network.

    Attributes:
        n_items: Items to learn.
        width: Length of an item's vector.
        hidden: Units of each hidden layer.
        described: Dimensions of a description.
        attributes: Dimensions of a user's attributes.
        values: Values of all contexts.
    """

    n_items: int
    width: int
    hidden: int
    described: int
    attributes: int
    values: int


class Plan(NamedTuple):
    """What a compiled step depends on, beside the shapes of its arrays.

    Attributes:
        rates: How far it goes.
        l2: Shrinkage of what is learned of items themselves, beside the mean loss of a like.
        dropout: Share of activations that are dropped.
        id_dropout: Share of items of which only the description counts.
        negatives: Items that are drawn in each step; 0 for all items.
        in_batch: Whether they are drawn from what the batch asks for.
        binary: Whether each item is judged apart; else they share a softmax.
    """

    rates: Rates
    l2: float
    dropout: float
    id_dropout: float
    negatives: int
    in_batch: bool
    binary: bool


class Step(NamedTuple):
    """What a step is made with.

    Attributes:
        batch: Its users.
        descriptions: float32 [n_items, n_dimensions].
        draws: Of the negatives.
        key: Of all that is drawn.
    """

    batch: Batch
    descriptions: Float32s
    draws: Draws
    key: Array


def initial(shape: Shape, popularity: Float32s, seed: int) -> dict[str, Float32s]:
    """Draw the parameters that training starts from.

    Args:
        shape: The sizes.
        popularity: float32 [n_items], the logarithm of each item's share of likes: the biases to begin with.
        seed: Of the draws.
    """
    rng = np.random.default_rng(seed)
    outputs = 2 * shape.width + 2
    ids = (_INITIAL * rng.standard_normal((shape.n_items, outputs))).astype(np.float32)
    ids[:, shape.width], ids[:, -1] = popularity - popularity.mean(), 0
    none = np.zeros((0, shape.width), dtype=np.float32)
    return {
        "ids": ids,
        "content": drawn_layer(rng, shape.described, shape.hidden),
        "described": _OUTPUT * drawn_layer(rng, shape.hidden, outputs),
        "inner": drawn_layer(rng, shape.width + 1, shape.hidden),
        "outer": _OUTPUT * drawn_layer(rng, shape.hidden, shape.width),
        "attributes": drawn_layer(rng, shape.attributes, shape.width)[:-1] if shape.attributes else none,
        "contexts": np.zeros((shape.values, shape.width), dtype=np.float32),
    }


@compiled("plan")
def take_step(parameters: Parameters, moments: Moments, this: Step, plan: Plan) -> tuple[Parameters, Any, Array]:
    """Take one step; return the averages, the state of training, and the mean loss of a like before the step."""
    loss, slopes = jax.value_and_grad(loss_of)(moments.weights, this, plan)
    return *moved(parameters, moments, slopes, plan.rates), loss


def loss_of(parameters: Parameters, this: Step, plan: Plan) -> Array:
    """Return the mean loss of a like that is asked for, and the shrinkage."""
    for_items, for_users, for_draws = jax.random.split(this.key, 3)
    items = _items(parameters, this.descriptions, for_items, plan)
    width = parameters["outer"].shape[1]
    users = _users(parameters, this.batch, items[:, width + 1 :], for_users, plan)
    vectors, biases = items[:, :width], items[:, width]
    likes, asked = this.batch.likes, this.batch.asked
    own = (likes.of_users(users) * vectors[likes.items]).sum(axis=1) + biases[likes.items]
    kept_out = _placed(this.batch, this.batch.read, len(items)) > 0
    if plan.negatives:
        if plan.in_batch:
            drawn, expected = this.draws.in_batch(for_draws, plan.negatives, likes.items, asked)
        else:
            drawn, expected = this.draws.draw(for_draws, plan.negatives)
        kept_out = (kept_out | (_placed(this.batch, asked, len(items)) > 0))[:, drawn]
        others = users @ vectors[drawn].T + biases[drawn]
    else:
        others, expected = users @ vectors.T + biases, jnp.zeros(())
    judge = _binary if plan.binary else _softmax
    total = judge(own, jnp.where(kept_out, HIDDEN, others), expected, this.batch, plan)
    ids = jnp.delete(parameters["ids"], width, axis=1)  # biases are not shrunk
    return total / jnp.maximum(asked.sum(), 1) + plan.l2 / 2 * (ids**2).sum()


def _softmax(own: Array, others: Array, expected: Array, batch: Batch, plan: Plan) -> Array:
    """Sum the cross-entropy of what is asked for against the others; `expected` is ln of how often each is there."""
    against = batch.likes.of_users(jax.nn.logsumexp(others - expected, axis=1))
    if plan.negatives:
        against = jnp.logaddexp(against, own)
    return jnp.where(batch.asked, against - own, 0).sum()


def _binary(own: Array, others: Array, expected: Array, batch: Batch, plan: Plan) -> Array:
    """Sum the cross-entropy of each item alone: asked for or, of the others, not."""
    liked = jnp.where(batch.asked, jax.nn.softplus(-own), 0).sum()
    not_liked = (jax.nn.softplus(others) * jnp.exp(-expected)).sum()
    if plan.negatives:
        return liked + not_liked
    return liked + not_liked - jnp.where(batch.asked, jax.nn.softplus(own), 0).sum()


def _items(parameters: Parameters, descriptions: Array, key: Array, plan: Plan) -> Array:
    """Return the outputs of the tower of items, float32 [n_items, 2·d + 2]; of some without their own part."""
    for_ids, for_hidden = jax.random.split(key)
    hidden = jax.nn.relu(layer(jnp.asarray(descriptions), parameters["content"]))
    described = layer(_dropped(hidden, for_hidden, plan.dropout), parameters["described"])
    kept = jax.random.bernoulli(for_ids, 1 - plan.id_dropout, (len(described), 1))
    return described + jnp.where(kept, parameters["ids"], 0)


def _users(parameters: Parameters, batch: Batch, said: Array, key: Array, plan: Plan) -> Array:
    """Return the vectors of a batch's users, float32 [n_users, d].

    Args:
        parameters: All parameters.
        batch: The users.
        said: float32 [n_items, d + 1], what a like of each item says, and the logarithm of how much that counts.
        key: Of dropout.
        plan: The plan.
    """
    weights = jnp.exp(said[:, -1:])
    columns = jnp.concatenate([weights * said[:, :-1], weights, jnp.ones_like(weights)], axis=1)
    likes = batch.likes
    if plan.negatives:
        sums = jax.ops.segment_sum(columns[likes.items] * batch.read[:, None], likes.rows, len(likes.counts))
    else:
        sums = _placed(batch, batch.read, len(said)) @ columns
    total = sums[:, :-2] / jnp.sqrt(jnp.maximum(sums[:, -2:-1], LEAST_WEIGHT))
    total = total + batch.attributes @ parameters["attributes"] + batch.contexts @ parameters["contexts"]
    read = jnp.concatenate([_dropped(total, key, plan.dropout), jnp.log1p(sums[:, -1:])], axis=1)
    return total + layer(jax.nn.relu(layer(read, parameters["inner"])), parameters["outer"])


def _placed(batch: Batch, chosen: Array, n_items: int) -> Array:
    """Return some of the likes as ones, float32 [n_users, n_items]."""
    nothing = jnp.zeros((len(batch.likes.counts), n_items))
    return nothing.at[batch.likes.rows, batch.likes.items].add(jnp.asarray(chosen, float), mode="drop")


def _dropped(units: Array, key: Array, share: float) -> Array:
    if not share:
        return units
    return jnp.where(jax.random.bernoulli(key, 1 - share, units.shape), units / (1 - share), 0)
