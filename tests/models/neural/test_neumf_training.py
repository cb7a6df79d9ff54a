import numpy as np
from scipy.sparse import csr_array

from models.neural.averaged_adam import Rates
from models.neural.held_out import HeldOut
from models.neural.jax_steps import seeded
from models.neural.negatives import Draws
from models.neural.neumf_config import NeuMfConfig
from models.neural.neumf_training import NeuMfTask, Plan, Step, _loss, _read, train
from models.neural.user_batches import user_batches

N_USERS, N_ITEMS = 40, 30
LIKES = csr_array((np.random.default_rng(0).random((N_USERS, N_ITEMS)) < 0.3).astype(np.float32))
RATES = Rates(0.01, 0.0, 0.0)
CONFIG = NeuMfConfig(factors=6, width=4, batch=16, epochs=3)


def task(config: NeuMfConfig = CONFIG) -> NeuMfTask:
    return NeuMfTask(*HeldOut.of(LIKES, 0), config, 3)


def loss_of(plan: Plan, key: int = 0) -> float:
    """The loss of a step that takes all users, and so some padding."""
    (likes,) = user_batches(LIKES, 48, (0,))
    return float(_loss(task().initial(), Step(likes, Draws.of(np.ones(N_ITEMS), 0.0), seeded(key)), plan))


def test_users_are_the_sum_of_what_is_kept_over_the_root_of_its_number() -> None:
    (likes,) = user_batches(LIKES, 48, (0,))
    read = task().initial()["history"]
    kept = np.asarray(likes.is_like()) & (np.arange(len(likes.items)) % 2 == 0)
    found = np.asarray(_read(read, likes, kept))
    for row in range(48):
        own = likes.items[kept & (likes.rows == row)]
        np.testing.assert_allclose(found[row], read[own].sum(axis=0) / np.sqrt(max(len(own), 1)), atol=1e-5)


def test_the_loss_is_the_cross_entropy_of_left_out_likes_and_of_what_is_not_liked() -> None:
    """With all likes left out a user's vector is 0, so that only the item counts; many draws are the mean of all."""
    parameters = task().initial()
    score = np.asarray(task().network(parameters).score(csr_array((1, N_ITEMS), dtype=np.float32)))[0].astype(
        np.float64
    )
    likes, n_draws = LIKES.toarray() > 0, 2000
    positive = np.log1p(np.exp(-score))[None].repeat(N_USERS, axis=0)[likes].sum()
    per_user = [(np.log1p(np.exp(score))[~own].sum(), (~own).sum(), own.sum()) for own in likes]
    negative = sum(n * n_draws * total / N_ITEMS for total, _, n in per_user)
    number = likes.sum() + sum(n * n_draws * rest / N_ITEMS for _, rest, n in per_user)
    found = loss_of(Plan(RATES, 1.0, 0.0, n_draws))
    np.testing.assert_allclose(found, (positive + negative) / number, rtol=1e-2)


def test_what_is_dropped_follows_from_the_key() -> None:
    plan = Plan(RATES, 0.5, 0.5, 4)
    losses = [loss_of(plan, key) for key in (0, 0, 1)]
    assert losses[0] == losses[1] != losses[2]


def test_training_gives_the_same_bits() -> None:
    first, second = (train(LIKES, CONFIG, 3).parameters for _ in range(2))
    shapes = {name: array.shape for name, array in first.items()}
    assert shapes == {"history": (30, 10), "vectors": (30, 10), "inner": (9, 4), "outer": (5, 2), "output": (8,)}
    assert all(np.array_equal(first[name], second[name]) for name in first)
    assert not np.array_equal(train(LIKES, CONFIG, 4).parameters["history"], first["history"])
