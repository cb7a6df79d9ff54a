import numpy as np
import pytest
from scipy import stats

from nightschool.experiments.filling import MISMATCH_ERROR, mismatch_p_value

REPETITIONS = 400


@pytest.mark.parametrize("shares", [(0.5, 0.5), (0.9, 0.1), (0.5, 0.25, 0.25)])
def test_arms_filled_as_planned_are_hardly_ever_called_not_so(shares: tuple[float, ...]) -> None:
    rng = np.random.default_rng(4)
    called = 0
    for _ in range(REPETITIONS):
        members = np.eye(len(shares), dtype=bool)[rng.choice(len(shares), 5_000, p=shares)]
        # The least of all prefixes is below it when any look was.
        called += mismatch_p_value(members, shares) <= MISMATCH_ERROR
    assert called / REPETITIONS <= MISMATCH_ERROR


def test_a_broken_assignment_is_found() -> None:
    rng = np.random.default_rng(5)
    found = 0
    for _ in range(100):
        # A tenth of the second arm's users is lost.
        arms = (rng.random(12_000) < 0.45 / 0.95).astype(int)
        found += mismatch_p_value(np.eye(2, dtype=bool)[arms], (0.5, 0.5)) <= MISMATCH_ERROR
    assert found >= 95


def test_the_check_of_filling_is_the_bayes_factor_of_the_paper() -> None:
    members = np.eye(2, dtype=bool)[[0, 0, 0, 1, 0, 0]]
    least = 1.0
    for n in range(1, 7):
        first, second = members[:n].sum(axis=0)
        planned = 0.5**n
        # A Dirichlet prior of two arms is a beta prior.
        mixture = stats.betabinom.pmf(first, n, 50, 50) / stats.binom.pmf(first, n, 0.5) * planned
        least = min(least, planned / mixture)
        assert second == n - first
    assert mismatch_p_value(members, (0.5, 0.5)) == pytest.approx(least)
    assert mismatch_p_value(members[:0], (0.5, 0.5)) == 1.0
