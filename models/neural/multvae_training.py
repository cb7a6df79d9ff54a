"""The variational autoencoder in JAX: its loss, a step, and its passes for the trainer.

`models.neural.code_network` is the same network in NumPy, without dropout and draws.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from scipy.sparse import csr_array

from models.neural.averaged_adam import Moments, Rates, moved
from models.neural.code_network import CodeNetwork
from models.neural.held_out import HeldOut
from models.neural.jax_steps import compiled, enlarged, seeded
from models.neural.layers import drawn_layer, layer
from models.neural.likes_task import LikesTask, Scores
from models.neural.multvae_config import MultVaeConfig
from models.neural.negatives import Draws
from models.neural.training import Parameters, Trained, Trainer
from models.neural.user_batches import UserBatch, user_batches
from nightschool.contract import Float32s
from nightschool.ranking.self_attention import HIDDEN

_AVERAGED: Final = 0.995  # of the averages, that a step leaves


class Step(NamedTuple):
    """What one step takes beside parameters.

    Attributes:
        likes: The likes of its users.
        draws: What negatives are drawn from.
        key: Of all its draws.
        weight: Of the divergence between codes and the prior.
    """

    likes: UserBatch
    draws: Draws
    key: Array
    weight: float


class Plan(NamedTuple):
    """What a compiled step depends on, beside the shapes of its arrays.

    Attributes:
        rates: How far a step goes.
        dropout: Share of likes that the encoder does not read.
        variational: Whether codes are drawn.
        negatives: Items that are drawn in each step; 0 for all items.
    """

    rates: Rates
    dropout: float
    variational: bool
    negatives: int


def train(likes: csr_array, config: MultVaeConfig, seed: int) -> Trained:
    """Train the autoencoder; return the arrays of `CodeNetwork`.

    Args:
        likes: CSR float32 [n_users, n_items], ones; every user and every item has some.
        config: The hyper-parameters.
        seed: Of all draws, not negative.

    Raises:
        NightschoolError: The loss is not finite.
        Unavailable: The device has too little memory.
    """
    task = MultVaeTask(*HeldOut.of(likes, seed), config, seed)
    trained = Trainer(task).train()
    return Trained(vars(task.network(trained.parameters)), trained.note)


@dataclass(frozen=True, eq=False)
class MultVaeTask(LikesTask):
    """The autoencoder as a task of the trainer."""

    name: ClassVar[str] = "multvae"

    config: MultVaeConfig

    def initial(self) -> dict[str, Float32s]:
        """Draw the layers of `CodeNetwork`; its code has a second half, the logarithms of variances."""
        n_items, hidden, code = self.likes.shape[1], self.config.hidden, self.config.code
        rng = np.random.default_rng(self.seed)
        return {
            "encoder": drawn_layer(rng, n_items, hidden),
            "code": drawn_layer(rng, hidden, 2 * code),
            "output": np.ascontiguousarray(drawn_layer(rng, code, n_items).T),
        }

    def epoch(self, parameters: Parameters, moments: Any, number: int) -> tuple[float, Mapping[str, Any], Any]:
        """Make a pass over all users; return its mean loss, the averages and the state of training."""
        config, losses = self.config, []
        n_users, n_items = self.likes.shape
        size = min(enlarged(config.batch), n_users)
        n_steps = -(-n_users // size)
        rates = Rates(config.learning_rate, config.decay / n_steps, _AVERAGED)
        plan = Plan(rates, config.dropout, config.beta > 0, config.drawn(n_items))
        for place, likes in enumerate(user_batches(self.likes, size, (self.seed, number))):
            taken = number * n_steps + place
            weight = min(config.beta, taken / max(config.total_anneal, 1))
            this = Step(likes, self.draws, seeded(self.seed, number, place), weight)
            parameters, moments, loss = _step(parameters, moments, this, plan)
            losses.append(loss)
        return float(np.mean(jax.device_get(losses))), parameters, moments

    def scores(self, parameters: Parameters) -> Scores:
        """Return what scores all items for users held out."""
        network = self.network(parameters)
        return lambda block: network.score(self.held_out.known[block])

    def network(self, parameters: Parameters) -> CodeNetwork:
        """Return the network that scores: codes are their means."""
        code = np.ascontiguousarray(parameters["code"][:, : self.config.code])
        return CodeNetwork(**{**parameters, "code": code})


@compiled("plan")
def _step(parameters: Parameters, moments: Moments, this: Step, plan: Plan) -> tuple[Mapping[str, Any], Any, Array]:
    """Take one step; return the averages, the state of training, and the mean loss of a user before the step."""
    loss, slopes = jax.value_and_grad(_loss)(moments.weights, this, plan)
    return *moved(parameters, moments, slopes, plan.rates), loss


def _loss(parameters: Parameters, this: Step, plan: Plan) -> Array:
    """Return the mean of −ln p(likes | code) over users, and weight times that of KL(code ‖ prior) over likes."""
    for_likes, for_code, for_draws = jax.random.split(this.key, 3)
    likes = this.likes
    hidden = jnp.tanh(_read(parameters["encoder"], likes, for_likes, plan))
    code, log_variance = jnp.split(layer(hidden, parameters["code"]), 2, axis=1)
    divergence = jnp.zeros(len(likes.counts))
    if plan.variational:
        divergence = (jnp.exp(log_variance) + code**2 - 1 - log_variance).sum(axis=1) / 2
        code += jax.random.normal(for_code, code.shape) * jnp.exp(log_variance / 2)
    if plan.negatives:
        drawn = this.draws.draw(for_draws, plan.negatives)
        unlikely = _by_drawn(code, parameters["output"], likes, drawn)
    else:
        unlikely = _by_all(code, parameters["output"], likes)
    diverged = (divergence * likes.counts).sum() / likes.counts.sum()
    return unlikely / (likes.counts > 0).sum() + this.weight * diverged


def _read(encoder: Array, likes: UserBatch, key: Array, plan: Plan) -> Array:
    """Return what the first layer makes of the likes that are not dropped, float32 [n_users, hidden]."""
    n_users, n_items = len(likes.counts), len(encoder) - 1
    kept = likes.is_like() & jax.random.bernoulli(key, 1 - plan.dropout, likes.items.shape)
    strengths = kept / ((1 - plan.dropout) * jnp.sqrt(likes.of_users(jnp.maximum(likes.counts, 1))))
    if plan.negatives:  # of many items, few are read
        return jax.ops.segment_sum(encoder[likes.items] * strengths[:, None], likes.rows, n_users) + encoder[-1]
    inputs = jnp.zeros((n_users, n_items)).at[likes.rows, likes.items].set(strengths, mode="drop")
    return layer(inputs, encoder)


def _by_all(code: Array, output: Array, likes: UserBatch) -> Array:
    """Return −ln of the likes' likelihood by a softmax over all items, summed over users."""
    logits = code @ output[:, :-1].T + output[:, -1]
    own = logits.at[likes.rows, likes.items].get(mode="fill", fill_value=0)
    return (likes.counts * jax.nn.logsumexp(logits, axis=1)).sum() - own.sum()


def _by_drawn(code: Array, output: Array, likes: UserBatch, drawn: tuple[Array, Array]) -> Array:
    """Return the same, its sum over all items estimated by the likes and by what is drawn of the rest."""
    items, logs = drawn
    n_users, bias, is_like = len(likes.counts), output[:, -1], likes.is_like()
    own = (likes.of_users(code) * output[likes.items, :-1]).sum(axis=1) + bias[likes.items]
    others = code @ output[items, :-1].T + bias[items] - logs
    others = jnp.where(likes.membership(len(output))[:, items], HIDDEN, others)
    highest = jnp.maximum(others.max(axis=1), jax.ops.segment_max(own, likes.rows, n_users))
    highest = jax.lax.stop_gradient(highest)
    powers = jnp.where(is_like, jnp.exp(own - likes.of_users(highest)), 0)
    sums = jnp.exp(others - highest[:, None]).sum(axis=1) + jax.ops.segment_sum(powers, likes.rows, n_users)
    return (likes.counts * (highest + jnp.log(sums))).sum() - jnp.where(is_like, own, 0).sum()
