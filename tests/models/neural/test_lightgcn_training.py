from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
from scipy.sparse import csr_array

from models.neural.averaged_adam import Rates
from models.neural.held_out import HeldOut
from models.neural.jax_steps import seeded
from models.neural.lightgcn_config import LightGcnConfig
from models.neural.lightgcn_training import LightGcnTask, Plan, _loss, train
from models.neural.negatives import Draws
from models.neural.propagation import Sides
from models.neural.user_batches import UserBatch

N_USERS, N_ITEMS = 40, 30
LIKES = csr_array((np.random.default_rng(0).random((N_USERS, N_ITEMS)) < 0.3).astype(np.float32))
CONFIG = LightGcnConfig(factors=5, batch=16, epochs=4, learning_rate=0.01)
RATES = Rates(0.01, 0.0, 0.0)
EVEN = Draws.of(np.ones(N_ITEMS), 0.0)


def task(config: LightGcnConfig = CONFIG) -> LightGcnTask:
    return LightGcnTask(*HeldOut.of(LIKES, 0), config, 3)


def sides() -> Sides:
    rng = np.random.default_rng(1)
    return Sides(*(rng.standard_normal((n, 5)).astype(np.float32) for n in (N_USERS, N_ITEMS)))


def loss_of(negatives: int, draws: Draws = EVEN) -> float:
    """The loss of a step that takes all users, and so some padding."""
    users, items = sides()
    padded = np.concatenate([users, users[:8]])
    batch = UserBatch.of(LIKES, len(padded))
    return float(_loss(padded, items, batch, draws, seeded(0), Plan(RATES, 0.0, negatives)))


def cross_entropy_by_hand() -> float:
    users, items = sides()
    logits = users.astype(np.float64) @ items.T
    logs = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    return float(-(LIKES.toarray() * logs).sum() / LIKES.nnz)


def test_the_loss_is_the_mean_cross_entropy_of_likes() -> None:
    np.testing.assert_allclose(loss_of(0), cross_entropy_by_hand(), rtol=1e-5)


def test_drawn_items_estimate_the_softmax_over_all_that_is_not_liked() -> None:
    users, items = sides()
    logits = users.astype(np.float64) @ items.T
    powers = np.where(LIKES.toarray() > 0, 0, np.exp(logits)).sum(axis=1, keepdims=True) + np.exp(logits)
    expected = -((logits - np.log(powers)) * LIKES.toarray()).sum() / LIKES.nnz
    for draws in (EVEN, Draws.of(np.arange(1, N_ITEMS + 1), 1.0)):
        np.testing.assert_allclose(loss_of(20_000, draws), expected, rtol=0.01)


def test_slopes_carried_back_are_those_of_jax_through_dense_products() -> None:
    trained, layers = task(), 3
    trained = replace(trained, config=CONFIG.model_copy(update={"layers": layers}))
    vectors = trained.initial()["vectors"]
    dense = trained.likes.toarray()
    dense /= np.sqrt(np.maximum(dense.sum(1), 1))[:, None] * np.sqrt(np.maximum(dense.sum(0), 1))
    batch, plan = UserBatch.of(trained.likes, N_USERS), Plan(RATES, 0.0, 0)

    def loss(start: jax.Array) -> jax.Array:
        users = dense @ start
        items = dense.T @ users
        return _loss((users + dense @ items) / 4, (start + items) / 4, batch, EVEN, seeded(0), plan)

    found = trained._sides(vectors)
    slopes = jax.grad(lambda users, items: _loss(users, items, batch, EVEN, seeded(0), plan), (0, 1))(*found)
    carried = trained._carry_back(np.arange(N_USERS), Sides(*(np.asarray(each) for each in slopes)))
    np.testing.assert_allclose(carried, jax.grad(loss)(jnp.asarray(vectors)), atol=1e-6)


def test_training_lowers_the_loss_and_gives_the_same_bits() -> None:
    longer = CONFIG.model_copy(update={"learning_rate": 0.1})
    trained = task(longer)
    parameters, moments, losses = trained.initial(), trained.moments(trained.initial()), []
    for number in range(20):
        loss, parameters, moments = trained.epoch(parameters, moments, number)
        losses.append(loss)
    assert losses[-1] < losses[0] - 0.03
    first, second = (train(LIKES, CONFIG, 3).parameters for _ in range(2))
    assert {name: array.shape for name, array in first.items()} == {"vectors": (30, 5), "sources": (30, 5)}
    assert all(np.array_equal(first[name], second[name]) for name in first)
    assert not np.array_equal(train(LIKES, CONFIG, 4).parameters["vectors"], first["vectors"])


def test_shrinkage_pulls_vectors_together() -> None:
    strong, none = (
        train(LIKES, CONFIG.model_copy(update={"l2": l2, "epochs": 30, "learning_rate": 0.05}), 3).parameters["vectors"]
        for l2 in (1000.0, 0.0)
    )
    assert np.abs(strong).mean() < np.abs(none).mean() / 2


def test_an_untrained_network_ranks_what_is_held_out() -> None:
    assert 0 < task().value(task().initial(), 0.5) < 1
