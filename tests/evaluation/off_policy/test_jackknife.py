"""The jackknife against what is known of means and of ratios."""

import numpy as np
import pytest
from scipy.stats import t as student

from nightschool.evaluation.off_policy.jackknife import jackknife


def test_of_a_mean_it_is_students_interval_of_as_many_degrees_as_its_variance_has():
    values = np.array([1.0, 2.0, 4.0, 9.0])
    value, (low, high) = jackknife(values.mean(), (values.sum() - values) / 3)
    squares = (values - values.mean()) ** 2
    reach = student.ppf(0.975, squares.sum() ** 2 / (squares**2).sum()) * values.std(ddof=1) / 2
    assert value == pytest.approx(4.0)
    assert (low, high) == pytest.approx((4 - reach, 4 + reach))


def test_one_heavy_group_makes_the_interval_wider_than_a_normal_one():
    values = np.array([0.0] * 99 + [100.0])
    _, (low, high) = jackknife(values.mean(), (values.sum() - values) / 99)
    assert high - low > 2 * 2 * 1.96 * values.std(ddof=1) / 10


def test_the_bias_of_a_square_is_removed():
    rng = np.random.default_rng(0)
    draws = rng.normal(1, 1, (2_000, 20))
    found = [jackknife(each.mean() ** 2, ((each.sum() - each) / 19) ** 2)[0] for each in draws]
    assert np.mean([each.mean() ** 2 for each in draws]) - 1 > 0.04
    assert abs(np.mean(found) - 1) < 0.03


def test_a_single_group_has_no_interval():
    value, (low, high) = jackknife(np.array([2.0]), np.array([[0.0]]))
    assert value == 2
    assert np.isnan([low, high]).all()
