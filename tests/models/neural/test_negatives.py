import numpy as np

from models.neural.jax_steps import seeded
from models.neural.negatives import Draws, in_batch

COUNTS = np.array([1, 2, 3, 4, 0])
N_DRAWS = 50_000


def shares(power: float) -> np.ndarray:
    drawn = np.asarray(Draws.of(COUNTS, power).items(seeded(0), (N_DRAWS // 10, 10)))
    return np.bincount(drawn.ravel(), minlength=len(COUNTS)) / N_DRAWS


def test_draws_are_uniform_or_in_proportion_to_a_power_of_the_counts() -> None:
    np.testing.assert_allclose(shares(0.0), 0.2, atol=0.01)
    np.testing.assert_allclose(shares(1.0), np.array([1, 2, 3, 4, 1]) / 11, atol=0.01)
    np.testing.assert_allclose(shares(2.0), np.array([1, 4, 9, 16, 1]) / 31, atol=0.01)


def test_each_draw_comes_with_how_often_it_is_expected() -> None:
    drawn, logs = Draws.of(COUNTS, 1.0).draw(seeded(0), 100)
    np.testing.assert_allclose(np.exp(logs), 100 * np.array([1, 2, 3, 4, 1])[np.asarray(drawn)] / 11, rtol=1e-5)


def test_logits_within_a_batch_are_corrected_by_popularity_and_repeats_do_not_count() -> None:
    targets = np.array([3, 0, 3], dtype=np.int32)
    logs = Draws.of(COUNTS, 1.0).logs
    logits = np.arange(9, dtype=np.float32).reshape(3, 3)
    found = np.asarray(in_batch(logits, targets, logs))
    np.testing.assert_allclose(found[1], logits[1] - np.log(np.array([4, 1, 4]) / 11), rtol=1e-5)
    assert found[0, 2] < -1e8
    assert found[2, 0] < -1e8
    np.testing.assert_allclose(np.diagonal(found), np.diagonal(logits) - np.log(np.array([4, 1, 4]) / 11), rtol=1e-5)
