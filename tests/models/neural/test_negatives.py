import numpy as np

from models.neural.jax_steps import seeded
from models.neural.negatives import Draws

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


def test_items_of_a_batch_are_drawn_as_often_as_they_are_its_examples() -> None:
    items, examples = np.array([3, 0, 3, 4, 2, 1]), np.array([True, False, True, False, True, False])
    drawn, logs = Draws.of(COUNTS, 1.0).in_batch(seeded(0), N_DRAWS, items, examples)
    shares = np.bincount(np.asarray(drawn), minlength=len(COUNTS)) / N_DRAWS
    np.testing.assert_allclose(shares, [0, 0, 1 / 3, 2 / 3, 0], atol=0.01)
    np.testing.assert_allclose(np.exp(logs), N_DRAWS * np.array([1, 2, 3, 4, 1])[np.asarray(drawn)] / 11, rtol=1e-5)


def test_a_batch_without_examples_draws_something() -> None:
    drawn, _ = Draws.of(COUNTS, 1.0).in_batch(seeded(0), 5, np.array([3, 0]), np.zeros(2, dtype=bool))
    assert np.isin(drawn, [0, 3]).all()
