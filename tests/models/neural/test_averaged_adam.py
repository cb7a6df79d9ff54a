import numpy as np
import optax

from models.neural.averaged_adam import Rates, moved, no_moments

START = {"weights": np.array([1.0, -2.0], np.float32)}
SLOPES = {"weights": np.array([0.5, 3.0], np.float32)}


def steps(rates: Rates, number: int) -> tuple[np.ndarray, np.ndarray]:
    """The averages and the weights after some steps along the same slopes."""
    averages, moments = START, no_moments(START)
    for _ in range(number):
        averages, moments = moved(averages, moments, SLOPES, rates)
    return np.asarray(averages["weights"]), np.asarray(moments.weights["weights"])


def test_without_averaging_the_parameters_are_the_weights_of_adam() -> None:
    averages, weights = steps(Rates(0.1, 0.5, 0.0), 3)
    np.testing.assert_array_equal(averages, weights)
    adam, expected = optax.adamw(0.1, weight_decay=0.5), START["weights"]
    state = adam.init(expected)
    for _ in range(3):
        changes, state = adam.update(SLOPES["weights"], state, expected)
        expected = optax.apply_updates(expected, changes)
    np.testing.assert_allclose(weights, expected, rtol=1e-6)


def test_averages_leave_a_share_of_themselves_in_each_step_and_little_in_the_first_ones() -> None:
    weights = [steps(Rates(0.1, 0.0, 0.15), number)[1] for number in (1, 2, 3)]
    averages, _ = steps(Rates(0.1, 0.0, 0.15), 3)
    second = 1 / 11 * weights[0] + 10 / 11 * weights[1]
    np.testing.assert_allclose(averages, 0.15 * second + 0.85 * weights[2], rtol=1e-6)
