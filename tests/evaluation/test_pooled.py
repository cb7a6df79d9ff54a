import numpy as np
import pytest

from nightschool.evaluation.intervals import mean_intervals
from nightschool.evaluation.pooled import Paired, pool_differences

RNG = np.random.default_rng(0)


def test_one_cut_has_the_standard_error_of_a_mean() -> None:
    differences = RNG.normal(0.1, 1.0, 500)
    found = pool_differences([np.arange(500, dtype=np.int32)], [differences])
    interval = mean_intervals(differences[:, None])
    assert found.mean == pytest.approx(differences.mean())
    assert 1.959964 * found.standard_error == pytest.approx((interval.high[0] - interval.low[0]) / 2, rel=1e-6)


def test_the_same_users_on_two_cuts_know_less_than_twice_as_many_users() -> None:
    users = np.arange(300, dtype=np.int32)
    own = RNG.normal(0.0, 1.0, 300)
    cuts = [own + RNG.normal(0.0, 0.2, 300) for _ in range(2)]
    again = pool_differences([users, users], cuts)
    others = pool_differences([users, users + 300], cuts)
    assert again.mean == pytest.approx(others.mean)
    assert again.standard_error > 1.3 * others.standard_error
    assert again.standard_error == pytest.approx(np.std(np.mean(cuts, axis=0), ddof=1) / np.sqrt(300), rel=1e-6)


@pytest.mark.parametrize("n", [0, 1])
def test_one_user_tells_nothing(n: int) -> None:
    found = pool_differences([np.arange(n, dtype=np.int32)], [np.ones(n)])
    assert found.standard_error == float("inf")
    assert found.within(1)


def test_the_luckiest_of_many_equals_must_be_ahead_by_more() -> None:
    assert Paired(0.9, 1.0).within(1)
    assert not Paired(1.1, 1.0).within(2)
    assert Paired(1.1, 1.0).within(20)
    lucky = RNG.normal(size=(4000, 20)).max(axis=1)
    assert np.median(lucky) == pytest.approx(1.8, abs=0.1)
    assert np.mean([Paired(float(one), 1.0).within(20) for one in lucky]) == pytest.approx(0.38, abs=0.1)
