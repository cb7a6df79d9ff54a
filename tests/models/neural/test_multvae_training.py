import numpy as np
from scipy.sparse import csr_array

from models.neural.averaged_adam import Rates
from models.neural.held_out import HeldOut
from models.neural.jax_steps import seeded
from models.neural.multvae_config import MultVaeConfig
from models.neural.multvae_training import MultVaeTask, Plan, Step, _loss, train
from models.neural.negatives import Draws
from models.neural.user_batches import user_batches

N_USERS, N_ITEMS = 40, 30
LIKES = csr_array((np.random.default_rng(0).random((N_USERS, N_ITEMS)) < 0.3).astype(np.float32))
RATES = Rates(0.01, 0.0, 0.0)
CONFIG = MultVaeConfig(hidden=12, code=5, batch=16, epochs=4, learning_rate=0.01)


def task(config: MultVaeConfig = CONFIG) -> MultVaeTask:
    return MultVaeTask(*HeldOut.of(LIKES, 0), config, 3)


def loss_of(plan: Plan, weight: float = 0.0, draws: Draws | None = None, size: int = 48) -> float:
    """The loss of a step that takes all users, and so some padding."""
    (likes,) = user_batches(LIKES, size, (0,))
    even = Draws.of(np.ones(N_ITEMS), 0.0)
    return float(_loss(task().initial(), Step(likes, draws or even, seeded(0), weight), plan))


def likelihood_by_hand() -> float:
    logits = task().network(task().initial()).score(LIKES).astype(np.float64)
    logs = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    return float(-(LIKES.toarray() * logs).sum() / N_USERS)


def test_the_loss_is_the_multinomial_likelihood_of_the_network_that_scores() -> None:
    plan = Plan(RATES, 0.0, variational=False, negatives=0)
    np.testing.assert_allclose(loss_of(plan), likelihood_by_hand(), rtol=1e-4)


def test_drawn_items_estimate_the_softmax_over_all() -> None:
    plan = Plan(RATES, 0.0, variational=False, negatives=20_000)
    for draws in (Draws.of(np.ones(N_ITEMS), 0.0), Draws.of(np.arange(1, N_ITEMS + 1), 1.0)):
        np.testing.assert_allclose(loss_of(plan, draws=draws), likelihood_by_hand(), rtol=0.01)


def test_the_divergence_of_codes_from_the_prior_counts_by_likes() -> None:
    plan = Plan(RATES, 0.0, variational=True, negatives=0)
    parameters = task().initial()
    strengths = LIKES.toarray() / np.sqrt(np.maximum(np.diff(LIKES.indptr), 1))[:, None]
    statistics = np.tanh(strengths @ parameters["encoder"][:-1]) @ parameters["code"][:-1]
    mean, log_variance = statistics[:, :5], statistics[:, 5:]
    of_users = ((np.exp(log_variance) + mean**2 - 1 - log_variance) / 2).sum(axis=1)
    expected = np.average(of_users, weights=np.diff(LIKES.indptr))
    np.testing.assert_allclose(loss_of(plan, 1.0) - loss_of(plan, 0.0), expected, rtol=1e-3)


def test_dropped_likes_and_drawn_codes_follow_from_the_key() -> None:
    plan = Plan(RATES, 0.5, variational=True, negatives=0)
    (likes,) = user_batches(LIKES, N_USERS, (0,))
    even = Draws.of(np.ones(N_ITEMS), 0.0)
    losses = [float(_loss(task().initial(), Step(likes, even, seeded(key), 0.2), plan)) for key in (0, 0, 1)]
    assert losses[0] == losses[1] != losses[2]


def test_the_weight_of_the_divergence_grows_to_its_cap(monkeypatch) -> None:
    weights = []

    def step(parameters, moments, this, _):
        weights.append(this.weight)
        return parameters, moments, np.float32(0)

    monkeypatch.setattr("models.neural.multvae_training._step", step)
    growing = task(CONFIG.model_copy(update={"beta": 0.5, "total_anneal": 8}))
    for number in range(2):
        growing.epoch(growing.initial(), None, number)
    assert weights == [0, 1 / 8, 2 / 8, 3 / 8, 4 / 8, 4 / 8]


def test_training_gives_what_scores_and_the_same_bits() -> None:
    first, second = (train(LIKES, CONFIG, 3).parameters for _ in range(2))
    shapes = {name: array.shape for name, array in first.items()}
    assert shapes == {"encoder": (31, 12), "code": (13, 5), "output": (30, 6)}
    assert all(np.array_equal(first[name], second[name]) for name in first)
    assert not np.array_equal(train(LIKES, CONFIG, 4).parameters["code"], first["code"])
