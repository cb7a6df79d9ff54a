"""Neural matrix factorisation in JAX: its loss, a step, and its passes for the trainer.

`models.neural.pair_network` is the same network in NumPy, without dropout.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Final, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from scipy.sparse import csr_array

from models.neural.averaged_adam import Moments, Rates, moved
from models.neural.held_out import HeldOut
from models.neural.jax_steps import compiled, enlarged, seeded
from models.neural.layers import drawn_layer, layer
from models.neural.likes_task import LikesTask, Scores
from models.neural.negatives import Draws
from models.neural.neumf_config import NeuMfConfig
from models.neural.pair_network import PairNetwork
from models.neural.training import Parameters, Trained, Trainer
from models.neural.user_batches import UserBatch, user_batches
from nightschool.contract import Float32s

_INITIAL: Final = 0.05
_AVERAGED: Final = 0.99  # of the averages, that a step leaves


class Plan(NamedTuple):
    """What a compiled step depends on, beside the shapes of its arrays.

    Attributes:
        rates: How far a step goes.
        history_dropout: Share of likes that are not read, but learned to be found.
        dropout: Share of the layers' units that are dropped.
        negatives: Items that are drawn for each like.
    """

    rates: Rates
    history_dropout: float
    dropout: float
    negatives: int


class Step(NamedTuple):
    """What one step takes beside parameters.

    Attributes:
        likes: The likes of its users.
        draws: What negatives are drawn from.
        key: Of all its draws.
    """

    likes: UserBatch
    draws: Draws
    key: Array


def train(likes: csr_array, config: NeuMfConfig, seed: int) -> Trained:
    """Train the network; return the arrays of `PairNetwork`.

    Args:
        likes: CSR float32 [n_users, n_items], ones; every user and every item has some.
        config: The hyper-parameters.
        seed: Of all draws, not negative.

    Raises:
        NightschoolError: The loss is not finite.
        Unavailable: The device has too little memory.
    """
    return Trainer(NeuMfTask(*HeldOut.of(likes, seed), config, seed)).train()


@dataclass(frozen=True, eq=False)
class NeuMfTask(LikesTask):
    """Neural matrix factorisation as a task of the trainer."""

    name: ClassVar[str] = "neumf"

    config: NeuMfConfig

    def initial(self) -> dict[str, Float32s]:
        """Draw the arrays of `PairNetwork`."""
        n_items, factors, width = self.likes.shape[1], self.config.factors, self.config.width
        rng = np.random.default_rng(self.seed)
        read, vectors = (_INITIAL * rng.standard_normal((2, n_items, factors + width))).astype(np.float32)
        last = drawn_layer(rng, width // 2, 1)[:-1, 0]
        return {
            "history": read,
            "vectors": vectors,
            "inner": drawn_layer(rng, 2 * width, width),
            "outer": drawn_layer(rng, width, width // 2),
            "output": np.concatenate([np.ones(factors, dtype=np.float32), last]),
        }

    def epoch(self, parameters: Parameters, moments: Any, number: int) -> tuple[float, Mapping[str, Any], Any]:
        """Make a pass over all users; return its mean loss, the averages and the state of training."""
        config, losses = self.config, []
        size = min(enlarged(config.batch), self.likes.shape[0])
        rates = Rates(config.learning_rate, config.decay / -(-self.likes.shape[0] // size), _AVERAGED)
        plan = Plan(rates, config.history_dropout, config.dropout, config.negatives)
        for place, likes in enumerate(user_batches(self.likes, size, (self.seed, number))):
            this = Step(likes, self.draws, seeded(self.seed, number, place))
            parameters, moments, loss = _step(parameters, moments, this, plan)
            losses.append(loss)
        return float(np.mean(jax.device_get(losses))), parameters, moments

    def scores(self, parameters: Parameters) -> Scores:
        """Return what scores all items for users held out."""
        network = self.network(parameters)
        return lambda block: network.score(self.held_out.known[block])

    def network(self, parameters: Parameters) -> PairNetwork:
        """Return the network that scores."""
        return PairNetwork(**parameters)

    @cached_property
    def draws(self) -> Draws:
        """What negatives are drawn from: all items alike."""
        return Draws.of(np.ones(self.likes.shape[1]), 0.0)


@compiled("plan")
def _step(parameters: Parameters, moments: Moments, this: Step, plan: Plan) -> tuple[Mapping[str, Any], Any, Array]:
    """Take one step; return the averages, the state of training, and the mean loss of a pair before the step."""
    loss, slopes = jax.value_and_grad(_loss)(moments.weights, this, plan)
    return *moved(parameters, moments, slopes, plan.rates), loss


def _loss(parameters: Parameters, this: Step, plan: Plan) -> Array:
    """Return the mean binary cross-entropy of the likes that are not read, and of the items drawn for each like."""
    for_likes, for_draws, for_units = jax.random.split(this.key, 3)
    likes = this.likes
    is_like, n_items = likes.is_like(), len(parameters["history"])
    kept = is_like & jax.random.bernoulli(for_likes, 1 - plan.history_dropout, likes.items.shape)
    users = _read(parameters["history"], likes, kept)
    drawn = this.draws.items(for_draws, (plan.negatives, len(likes.items)))
    items = jnp.concatenate([likes.items[None], drawn])
    rows = jnp.minimum(likes.rows, len(likes.counts) - 1)
    counted = jnp.concatenate([(is_like & ~kept)[None], is_like & ~likes.membership(n_items)[rows, drawn]])
    logits = _logits(parameters, users, (rows, items), for_units, plan)
    signs = jnp.concatenate([jnp.full((1, 1), -1.0), jnp.ones((plan.negatives, 1))])
    losses = jax.nn.softplus(signs * logits)
    return (losses * counted).sum() / jnp.maximum(counted.sum(), 1)


def _read(read: Array, likes: UserBatch, kept: Array) -> Array:
    """Return users' vectors, float32 [n_users, factors + width]: the sum over n likes that are kept, times 1/√n."""
    n_users = len(likes.counts)
    numbers = jax.ops.segment_sum(kept.astype(np.float32), likes.rows, n_users)
    inputs = jnp.zeros((n_users, len(read))).at[likes.rows, likes.items].set(kept.astype(np.float32), mode="drop")
    return inputs @ read / jnp.sqrt(jnp.maximum(numbers, 1))[:, None]


def _logits(parameters: Parameters, users: Array, pairs: tuple[Array, Array], key: Array, plan: Plan) -> Array:
    """Return the logits of pairs.

    Args:
        parameters: Of the network.
        users: float32 [n_users, factors + width].
        pairs: int32 [n_likes] rows of `users`, and int32 [1 + negatives, n_likes] items.
        key: Of the units that are dropped.
        plan: How much is dropped.
    """
    rows, items = pairs
    inner, outer, output = (parameters[name] for name in ("inner", "outer", "output"))
    width = len(outer) - 1
    factors = users.shape[1] - width
    vectors = parameters["vectors"]
    multiplied = users[:, :factors] * output[:factors] @ vectors[:, :factors].T
    of_users = users[:, factors:] @ inner[:width] + inner[-1]
    of_items = vectors[:, factors:] @ inner[width:-1]
    hidden = jax.nn.relu(of_users[rows] + of_items[items])
    kept = jax.random.bernoulli(key, 1 - plan.dropout, hidden.shape)
    hidden = jax.nn.relu(layer(jnp.where(kept, hidden / (1 - plan.dropout), 0), outer))
    return multiplied[rows, items] + hidden @ output[factors:]
