import jax
import numpy as np
import pytest
from scipy.sparse import csr_array

from models.neural.averaged_adam import Rates, no_moments
from models.neural.jax_steps import seeded
from models.neural.negatives import Draws
from models.neural.occasions import Batch
from models.neural.two_towers_loss import Plan, Shape, Step, initial, loss_of, take_step
from models.neural.two_towers_network import TwoTowers, described_items
from models.neural.user_batches import UserBatch

N_USERS, N_ITEMS = 12, 15
SHAPE = Shape(N_ITEMS, 4, 6, 3, 2, 5)
RNG = np.random.default_rng(0)
LIKES = csr_array((RNG.random((N_USERS, N_ITEMS)) < 0.5).astype(np.float32))
DESCRIPTIONS = RNG.standard_normal((N_ITEMS, 3)).astype(np.float32)
EVEN = Draws.of(np.ones(N_ITEMS), 0.0)
RATES = Rates(0.01, 0.0, 0.0)
EXACT = Plan(RATES, l2=0.0, dropout=0.0, id_dropout=0.0, negatives=0, in_batch=False, binary=False)
PARAMETERS = {
    **initial(SHAPE, np.log(1 + np.arange(N_ITEMS, dtype=np.float32)), 1),
    "contexts": RNG.standard_normal((5, 4)).astype(np.float32),
}


def batch() -> Batch:
    """All users with some padding; half of the likes are read, a quarter asked for."""
    likes = UserBatch.of(LIKES, N_USERS + 4)
    turn = np.arange(len(likes.rows)) % 4
    real = likes.rows < len(likes.counts)
    attributes, contexts = (RNG.standard_normal((N_USERS + 4, n)).astype(np.float32) for n in (2, 5))
    return Batch(likes, real & (turn < 2), real & (turn == 2), attributes, contexts)


BATCH = batch()


def parts() -> tuple[csr_array, np.ndarray, np.ndarray]:
    """What is read, what is asked for, and the logits of the network that scores."""
    dense = np.zeros((2, N_USERS + 4, N_ITEMS), dtype=np.float32)
    for place, chosen in enumerate((BATCH.read, BATCH.asked)):
        dense[place, BATCH.likes.rows[chosen], BATCH.likes.items[chosen]] = 1
    items = described_items(PARAMETERS, DESCRIPTIONS, np.ones(N_ITEMS, dtype=bool))
    known = BATCH.attributes @ PARAMETERS["attributes"] + BATCH.contexts @ PARAMETERS["contexts"]
    logits = TwoTowers(items, PARAMETERS["inner"], PARAMETERS["outer"]).score(csr_array(dense[0]), known)
    return dense[0], dense[1], logits.astype(np.float64)


def loss(plan: Plan, key: int = 0, draws: Draws = EVEN) -> float:
    return float(loss_of(PARAMETERS, Step(BATCH, DESCRIPTIONS, draws, seeded(key)), plan))


def test_the_softmax_is_that_of_the_network_that_scores_among_what_is_not_read() -> None:
    read, asked, logits = parts()
    powers = np.where(read > 0, 0, np.exp(logits)).sum(axis=1, keepdims=True)
    expected = -(asked * (logits - np.log(powers))).sum() / asked.sum()
    np.testing.assert_allclose(loss(EXACT), expected, rtol=1e-4)


def test_the_binary_loss_judges_each_item_that_is_not_read() -> None:
    read, asked, logits = parts()
    chances = 1 / (1 + np.exp(-logits))
    each = np.where(asked > 0, np.log(chances), np.where(read > 0, 0, np.log(1 - chances)))
    np.testing.assert_allclose(loss(EXACT._replace(binary=True)), -each.sum() / asked.sum(), rtol=1e-4)


@pytest.mark.parametrize("draws", [EVEN, Draws.of(np.arange(1, N_ITEMS + 1), 1.0)])
def test_drawn_items_estimate_the_losses_over_all(draws: Draws) -> None:
    read, asked, logits = parts()
    neither = (read + asked) == 0
    powers = np.where(neither, np.exp(logits), 0).sum(axis=1, keepdims=True) + np.exp(logits)
    expected = -(asked * (logits - np.log(powers))).sum() / asked.sum()
    np.testing.assert_allclose(loss(EXACT._replace(negatives=40_000), draws=draws), expected, rtol=0.01)
    binary = EXACT._replace(binary=True)
    np.testing.assert_allclose(loss(binary._replace(negatives=40_000), draws=draws), loss(binary), rtol=0.02)


@pytest.mark.parametrize("binary", [False, True])
def test_items_drawn_from_the_batch_estimate_the_losses_over_what_it_asks_for(binary: bool) -> None:
    _, asked, _ = parts()
    counts = asked.sum(axis=0)
    draws = Draws.of(counts, 1.0)
    plan = EXACT._replace(negatives=40_000, binary=binary)
    in_batch = loss(plan._replace(in_batch=True), draws=draws)
    only_asked = Draws(np.cumsum(counts / counts.sum()).astype(np.float32), draws.logs)
    np.testing.assert_allclose(in_batch, loss(plan, draws=only_asked), rtol=0.02)


def test_what_is_dropped_follows_from_the_key() -> None:
    for plan in (EXACT._replace(dropout=0.5), EXACT._replace(id_dropout=0.5)):
        losses = [loss(plan, key) for key in (0, 0, 1)]
        assert losses[0] == losses[1] != losses[2]


def test_steps_lower_the_loss_and_move_every_array() -> None:
    parameters, moments, losses = PARAMETERS, no_moments(PARAMETERS), []
    for number in range(20):
        this = Step(BATCH, DESCRIPTIONS, EVEN, seeded(number))
        parameters, moments, value = take_step(parameters, moments, this, EXACT)
        losses.append(float(value))
    assert losses[-1] < losses[0] - 0.1
    moved = jax.tree.map(lambda one, other: bool((np.asarray(one) != other).any()), dict(parameters), PARAMETERS)
    assert all(moved.values())


def test_shrinkage_is_that_of_what_is_learned_of_items_themselves_but_their_biases() -> None:
    ids = np.delete(PARAMETERS["ids"], 4, axis=1)
    np.testing.assert_allclose(loss(EXACT._replace(l2=1.0)) - loss(EXACT), (ids**2).sum() / 2, rtol=1e-4)


def test_nothing_to_ask_for_is_no_loss() -> None:
    step = Step(BATCH._replace(asked=np.zeros_like(BATCH.asked)), DESCRIPTIONS, EVEN, seeded(0))
    assert float(loss_of(PARAMETERS, step, EXACT)) == 0


def test_without_descriptions_attributes_and_contexts_there_are_ids() -> None:
    found = initial(SHAPE._replace(described=0, attributes=0, values=0), np.zeros(N_ITEMS, np.float32), 0)
    assert {name: array.shape for name, array in found.items()} == {
        "ids": (N_ITEMS, 10),
        "content": (1, 6),
        "described": (7, 10),
        "inner": (6, 6),
        "outer": (7, 4),
        "attributes": (0, 4),
        "contexts": (0, 4),
    }
