"""Estimates with their intervals, and what they rest on."""

import polars as pl
import pytest

from nightschool.evaluation.off_policy.estimate import OffPolicy, compare_lists, estimate
from nightschool.evaluation.off_policy.estimators import ESTIMATORS
from nightschool.evaluation.off_policy.logs import read_logs


@pytest.fixture
def policy(two_places):
    return OffPolicy(read_logs(two_places))


def test_an_estimate_says_what_it_rests_on(policy, lists_for):
    found = estimate(policy.lists(lists_for(7, 9)), "ips")
    assert found.value == pytest.approx((2 * 1.25 + 10) / 4)
    assert found.ci_low < found.value < found.ci_high
    assert (found.n_lists, found.n_users, found.clipped) == (4, 4, 0)
    # Four rows tell: three of weight 1.25 and one of 10, where eight places are to be filled.
    assert found.ess == pytest.approx(13.75**2 / (3 * 1.25**2 + 100))
    assert found.support == pytest.approx(13.75 / 8)


@pytest.mark.parametrize("name", ESTIMATORS)
def test_lists_do_not_differ_from_themselves(policy, lists_for, name):
    same = policy.lists(lists_for(7, 8))
    found = compare_lists(same, same, name)
    assert (found.value, found.ci_low, found.ci_high, found.ess) == (0, 0, 0, 0)


@pytest.mark.parametrize("name", ESTIMATORS)
def test_a_difference_is_that_of_the_two_estimates(policy, lists_for, name):
    a, b = policy.lists(lists_for(7, 9)), policy.lists(lists_for(7, 8))
    assert compare_lists(a, b, name).value == pytest.approx(estimate(a, name).value - estimate(b, name).value)


def test_only_rows_that_differ_make_the_effective_size_of_a_difference(policy, lists_for):
    found = compare_lists(policy.lists(lists_for(7, 9)), policy.lists(lists_for(7, 8)), "ips")
    # 9 second: one row of weight 10; 8 second: three of 1.25.
    assert found.ess == pytest.approx(13.75**2 / (3 * 1.25**2 + 100))


def test_a_challenger_that_explores_is_the_mean_of_what_it_may_show(policy, lists_for):
    both = pl.concat(
        [lists_for(7, 8).with_columns(chance=pl.lit(0.7)), lists_for(9, 9).with_columns(chance=pl.lit(0.3))]
    )
    for name in ("ips", "dr", "pbm-ips", "pbm-dr"):
        parts = [estimate(policy.lists(lists_for(*items)), name).value for items in ((7, 8), (9, 9))]
        assert estimate(policy.lists(both), name).value == pytest.approx(0.7 * parts[0] + 0.3 * parts[1])


def test_clipping_makes_the_estimate_smaller_and_is_reported(two_places, lists_for):
    clipped = OffPolicy(read_logs(two_places, most_weight=5))
    found = estimate(clipped.lists(lists_for(7, 9)), "ips")
    assert found.value == pytest.approx((2 * 1.25 + 5) / 4)
    assert found.clipped == 0.25
