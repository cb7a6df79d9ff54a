"""The graph network's loss in JAX, and its passes for the trainer; vectors are carried over the graph in NumPy."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Final, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from numpy.typing import NDArray
from scipy.sparse import csr_array

from models.neural.averaged_adam import Moments, Rates, moved
from models.neural.graph_network import GraphNetwork
from models.neural.held_out import HeldOut
from models.neural.jax_steps import compiled, enlarged, seeded
from models.neural.lightgcn_config import LightGcnConfig
from models.neural.likes_task import LikesTask, Scores
from models.neural.negatives import Draws
from models.neural.propagation import LikeGraph, Sides, sums_of_layers
from models.neural.training import Parameters, Trained, Trainer
from models.neural.user_batches import UserBatch
from nightschool.contract import Float32s
from nightschool.ranking.self_attention import HIDDEN

_INITIAL: Final = 0.1
_AVERAGED: Final = 0.97  # of the averages, that a step leaves


class Plan(NamedTuple):
    """What a compiled step depends on, beside the shapes of its arrays.

    Attributes:
        rates: How far a step goes.
        l2: Shrinkage beside the mean loss of a like.
        negatives: Items that are drawn in each step; 0 for all items.
    """

    rates: Rates
    l2: float
    negatives: int


def train(likes: csr_array, config: LightGcnConfig, seed: int) -> Trained:
    """Train the vectors of items; return the arrays of `GraphNetwork`, by all likes.

    Args:
        likes: CSR float32 [n_users, n_items], ones; every user and every item has some.
        config: The hyper-parameters.
        seed: Of all draws, not negative.

    Raises:
        NightschoolError: The loss is not finite.
        Unavailable: The device has too little memory.
    """
    trained = Trainer(LightGcnTask(*HeldOut.of(likes, seed), config, seed)).train()
    layers = LikeGraph.of(likes).layers(trained.parameters["vectors"], config.layers)
    network = GraphNetwork.of(layers, np.bincount(likes.indices, minlength=likes.shape[1]))
    return Trained(vars(network), trained.note)


@dataclass(frozen=True, eq=False)
class LightGcnTask(LikesTask):
    """The graph network as a task of the trainer."""

    name: ClassVar[str] = "lightgcn"

    config: LightGcnConfig

    def initial(self) -> dict[str, Float32s]:
        """Draw the vectors of items."""
        size = self.likes.shape[1], self.config.factors
        drawn = np.random.default_rng(self.seed).standard_normal(size, dtype=np.float32)
        return {"vectors": np.float32(_INITIAL) * drawn}

    def epoch(self, parameters: Parameters, moments: Any, number: int) -> tuple[float, Mapping[str, Any], Any]:
        """Make a pass over all users; return its mean loss, the averages and the state of training."""
        config, losses = self.config, []
        plan = Plan(
            Rates(config.learning_rate, 0.0, _AVERAGED),
            config.l2 / max(self.likes.nnz, 1),
            config.drawn(self.likes.shape[1]),
        )
        n_users = min(enlarged(config.batch), int(self.likes.shape[0]))
        order = np.random.default_rng((self.seed, number)).permutation(self.likes.shape[0])
        for place, start in enumerate(range(0, len(order), n_users)):
            sides, users = self._sides(np.asarray(moments.weights["vectors"])), order[start : start + n_users]
            theirs = sides.users[np.pad(users, (0, n_users - len(users)))]
            batch, key = UserBatch.of(self.likes[users], n_users), seeded(self.seed, number, place)
            loss, slopes = _slopes(theirs, sides.items, batch, self.draws, key, plan)
            by_vectors = self._carry_back(users, Sides(np.asarray(slopes[0]), np.asarray(slopes[1])))
            parameters, moments = _step(parameters, moments, by_vectors, plan)
            losses.append(loss)
        return float(np.mean(jax.device_get(losses))), parameters, moments

    def scores(self, parameters: Parameters) -> Scores:
        """Return what scores all items for users held out."""
        sides = self._sides(parameters["vectors"])
        return lambda block: sides.users[self.held_out.users[block]] @ sides.items.T

    @cached_property
    def _graph(self) -> LikeGraph:
        return LikeGraph.of(self.likes)

    @property
    def _share(self) -> np.float32:
        return np.float32(1 / (self.config.layers + 1))

    def _sides(self, vectors: Float32s) -> Sides:
        """Return the vectors of all users and items: the mean of the layers."""
        sums = sums_of_layers(self._graph.layers(vectors, self.config.layers))
        return Sides(sums.users * self._share, sums.items * self._share)

    def _carry_back(self, users: NDArray[np.int64], slopes: Sides) -> Float32s:
        """Return slopes by the learned vectors, from those by the vectors of all items and of some users."""
        by_users = np.zeros((self.likes.shape[0], self.config.factors), dtype=np.float32)
        by_users[users] = slopes.users[: len(users)]
        return self._graph.slopes(Sides(by_users, slopes.items), self.config.layers) * self._share


@compiled("plan")
def _slopes(
    users: Array, items: Array, batch: UserBatch, draws: Draws, key: Array, plan: Plan
) -> tuple[Array, tuple[Array, Array]]:
    """Return the mean loss of a like, and its slopes by the vectors of the batch's users and of all items."""
    found: tuple[Array, tuple[Array, Array]] = jax.value_and_grad(_loss, argnums=(0, 1))(
        users, items, batch, draws, key, plan
    )
    return found


@compiled("plan")
def _step(parameters: Parameters, moments: Moments, slopes: Array, plan: Plan) -> tuple[Mapping[str, Any], Moments]:
    """Take one step; return the averages and the state of training."""
    by_weights = {"vectors": slopes + plan.l2 * moments.weights["vectors"]}
    return moved(parameters, moments, by_weights, plan.rates)


def _loss(users: Array, items: Array, batch: UserBatch, draws: Draws, key: Array, plan: Plan) -> Array:
    """Return the mean cross-entropy of likes against all items, or its estimate by drawn ones."""
    own = (batch.of_users(users) * items[batch.items]).sum(axis=1)
    if plan.negatives:
        drawn, expected = draws.draw(key, plan.negatives)
        others = users @ items[drawn].T - expected
        others = jnp.where(batch.membership(len(items))[:, drawn], HIDDEN, others)
        against = jnp.logaddexp(batch.of_users(jax.nn.logsumexp(others, axis=1)), own)
    else:
        against = batch.of_users(jax.nn.logsumexp(users @ items.T, axis=1))
    return jnp.where(batch.is_like(), against - own, 0).sum() / jnp.maximum(batch.counts.sum(), 1)
