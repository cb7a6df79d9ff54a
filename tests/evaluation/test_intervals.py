import numpy as np
from scipy import stats

from nightschool.evaluation.intervals import NORMAL_FROM, mean_intervals, ratio_intervals


def test_many_users_have_the_normal_interval() -> None:
    values = np.random.default_rng(0).random((NORMAL_FROM, 2))
    ends = mean_intervals(values)
    low, high = stats.norm.interval(0.95, values.mean(axis=0), values.std(axis=0, ddof=1) / np.sqrt(NORMAL_FROM))
    np.testing.assert_allclose(ends.low, low, rtol=1e-12)
    np.testing.assert_allclose(ends.high, high, rtol=1e-12)


def test_few_users_have_a_bootstrap_interval_that_repeats() -> None:
    values = np.random.default_rng(1).random((40, 1))
    ends = mean_intervals(values)
    assert ends.low[0] == mean_intervals(values).low[0]
    reference = stats.bootstrap((values[:, 0],), np.mean, method="percentile", rng=np.random.default_rng(2))
    np.testing.assert_allclose(
        [ends.low[0], ends.high[0]], [reference.confidence_interval.low, reference.confidence_interval.high], atol=0.01
    )


def test_users_without_a_value_do_not_count() -> None:
    values = np.random.default_rng(0).random((300, 1))
    holed = np.vstack([values, np.full((100, 1), np.nan)])
    ends = mean_intervals(holed)
    low, high = stats.norm.interval(0.95, values.mean(), values.std(ddof=1) / np.sqrt(300))
    np.testing.assert_allclose([ends.low[0], ends.high[0]], [low, high], atol=1e-4)


def test_one_user_tells_nothing() -> None:
    assert np.isnan(mean_intervals(np.array([[0.5]]))).all()
    assert np.isnan(mean_intervals(np.empty((0, 1)))).all()


def test_the_interval_of_a_ratio_covers_it_as_often_as_it_says() -> None:
    rng = np.random.default_rng(5)
    covered = 0
    for _ in range(300):
        weights = rng.integers(1, 6, (250, 1)).astype(np.float64)
        sums = weights * rng.normal(2.0, 1.0, (250, 1))
        ends = ratio_intervals(sums, weights)
        covered += int(ends.low[0] <= 2.0 <= ends.high[0])
    assert 0.91 <= covered / 300 <= 0.98
