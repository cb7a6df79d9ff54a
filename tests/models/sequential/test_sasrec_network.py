import numpy as np

from models.neural.jax_steps import seeded
from models.neural.negatives import Draws
from models.sequential.sasrec_batches import Batch
from models.sequential.sasrec_network import Plan, encode, initial, no_moments, step

N_ITEMS, LENGTH = 9, 6
PARAMETERS = {
    name: array + np.random.default_rng(1).normal(0, 0.3, array.shape).astype(np.float32)
    for name, array in initial(N_ITEMS, (8, 16, 2, 2, LENGTH), seed=0).items()
}
PACKED = Batch(
    inputs=np.array([[3, 1, 4, 2, 0, 0], [5, 6, 0, 0, 0, 0]], dtype=np.int32),
    targets=np.array([[1, 4, 2, 7, 8, 0], [6, 7, 0, 0, 0, 0]], dtype=np.int32),
    segments=np.array([[1, 1, 1, 2, 2, 0], [1, 1, 0, 0, 0, 0]], dtype=np.int32),
)
EVEN = Draws.of(np.ones(N_ITEMS), 0.75)


def losses_by_hand() -> np.ndarray:
    """The cross-entropy of each next item."""
    states = np.asarray(encode(PARAMETERS, PACKED.inputs, PACKED.segments))
    logits = (states @ PARAMETERS["vectors"].T).astype(np.float64)
    own = np.take_along_axis(logits, PACKED.targets[:, :, None], axis=2)[:, :, 0]
    return (np.log(np.exp(logits).sum(axis=2)) - own)[PACKED.segments > 0]


def test_a_history_is_read_the_same_packed_and_apart() -> None:
    packed = np.asarray(encode(PARAMETERS, PACKED.inputs, PACKED.segments))
    alone = np.zeros((1, LENGTH), dtype=np.int32)
    alone[0, :2] = PACKED.inputs[0, 3:5]
    apart = np.asarray(encode(PARAMETERS, alone, (np.arange(LENGTH) < 2)[None].astype(np.int32)))
    np.testing.assert_allclose(packed[0, 3:5], apart[0, :2], atol=1e-6)


def test_the_loss_is_the_mean_cross_entropy_of_the_next_items() -> None:
    plan = Plan(learning_rate=0.01, dropout=0.0, negatives=0)
    changed, _, loss = step(PARAMETERS, no_moments(PARAMETERS), PACKED, EVEN, seeded(0, 0, 0), plan)
    np.testing.assert_allclose(loss, losses_by_hand().mean(), rtol=1e-5)
    assert all(not np.array_equal(changed[name], PARAMETERS[name]) for name in ("vectors", "attention", "inner"))


def test_drawn_items_estimate_the_cross_entropy_over_all() -> None:
    """With many draws from any distribution the estimate comes close, so the bias of the draws is corrected."""
    uneven = Draws.of(np.arange(1, N_ITEMS + 1) ** 2, 0.75)
    plan = Plan(learning_rate=0.01, dropout=0.0, negatives=20_000)
    for draws in (EVEN, uneven):
        _, _, loss = step(PARAMETERS, no_moments(PARAMETERS), PACKED, draws, seeded(0, 0, 0), plan)
        np.testing.assert_allclose(loss, losses_by_hand().mean(), rtol=0.02)


def test_dropout_follows_from_the_key() -> None:
    plan = Plan(learning_rate=0.01, dropout=0.5, negatives=0)
    moments = no_moments(PARAMETERS)
    losses = [float(step(PARAMETERS, moments, PACKED, EVEN, seeded(0, 0, place), plan)[2]) for place in (0, 0, 1)]
    assert losses[0] == losses[1] != losses[2]
