"""The simulation of bandits, on worlds whose regret is known."""

from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(scope="module")
def bandit():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(BENCHMARKS)
        yield import_module("bandit")


def test_a_uniform_split_loses_the_difference_to_the_mean(bandit) -> None:
    rates = bandit.world((0.05, 0.05, 0.06, 0.04))
    shares = bandit.simulate(rates, bandit.UNIFORM, np.random.default_rng(1))
    assert (shares == 0.25).all()
    regret = bandit.lost(rates, shares, bandit.best_fixed(rates))
    assert regret[[0, -1]] == pytest.approx([10, 10 * bandit.DAYS])


def test_shares_of_a_day_know_only_complete_days(bandit) -> None:
    rates = bandit.world((0.1, 0.9))
    shares = bandit.simulate(rates, bandit.STEADY, np.random.default_rng(1))
    assert shares[0].tolist() == [0.5, 0.5]
    assert (shares[: bandit.DELAY - 1] == 0.5).all()
    assert shares[bandit.DELAY :, 1] == pytest.approx(np.full(bandit.DAYS - bandit.DELAY, 1 - bandit.FLOOR))


def test_a_bandit_that_forgets_follows_a_change(bandit) -> None:
    rates = bandit.world((0.05, 0.09), (0.09, 0.05))
    steady, forgetting = (
        bandit.lost(rates, bandit.simulate(rates, policy, np.random.default_rng(2)), rates.max(axis=1))[-1]
        for policy in (bandit.STEADY, bandit.FORGETTING)
    )
    assert forgetting < steady


def test_the_best_fixed_arm_is_the_best_over_all_days(bandit) -> None:
    rates = bandit.world((0.05, 0.02), (0.01, 0.03))
    assert set(bandit.best_fixed(rates)) == {0.05, 0.01}
    assert bandit.mean_interval(np.array([1.0, 3.0])) == pytest.approx((2, 0.04, 3.96))
