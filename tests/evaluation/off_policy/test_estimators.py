"""Each estimator on few rows that can be summed by hand, and what all of them share."""

import numpy as np
import pytest

from nightschool.evaluation.off_policy.estimators import DEFAULT, ESTIMATORS, examination_weights
from nightschool.evaluation.off_policy.logs import places_of, read_logs
from nightschool.evaluation.off_policy.reward_model import item_rates, with_rates
from nightschool.evaluation.off_policy.sums import sums_of


@pytest.fixture
def total(two_places, lists_for):
    logs = read_logs(two_places)

    def build(*items):
        others = with_rates(places_of(logs, lists_for(*items)), item_rates(logs, np.ones(2)))
        return sums_of(logs, others, logs.rows.join(others.drop("group"), on=["list_id", "item_id"])).total

    return build


def test_by_inverse_propensities_rows_at_the_same_place_count(total):
    # 7 first: two clicks of weight 1.25; 9 second: one click of weight 10; four lists.
    assert ESTIMATORS["ips"](total(7, 9)) == pytest.approx((2 * 1.25 + 10) / 4)
    assert ESTIMATORS["ips"](total(8, 7)) == 0


def test_self_normalised_each_place_has_a_mean(total):
    # 7 first: clicked two of three times; 9 second: once of once.
    assert ESTIMATORS["snips"](total(7, 9)) == pytest.approx(2 / 3 + 1)


def test_doubly_robust_adds_weighted_errors_to_the_model(total):
    sums = total(7, 9)
    errors = 2 * 1.25 - sums.rates[0, 0, 0] + 10 - sums.rates[1, 1, 1]
    assert ESTIMATORS["dr"](sums) == pytest.approx((sums.models.sum() + errors) / 4)


def test_by_position_rows_at_any_place_count(total):
    # Both places are as well examined. 8, chosen second and clicked once of three times, would be first; 9, explored
    # once at each place and clicked twice, would be second: half a chance of 1/10 at each of two places.
    assert ESTIMATORS["pbm-ips"](total(8, 9)) == pytest.approx((1.25 + (10 + 10) / 2) / 4)
    # The same rows' weighted looks: three of 8 and two of 9.
    looks = 3 * 1.25 + (10 + 10) / 2
    assert ESTIMATORS["pbm-snips"](total(8, 9)) == pytest.approx((1.25 + 10) / looks * 2)


def test_the_position_based_weights_are_ratios_of_examination():
    weights = examination_weights(np.array([1.5, 0.5]))
    assert weights[0].tolist() == [[1, pytest.approx(1 / 3)], [3, 1]]
    assert weights[1].tolist() == [[0.75, 0.25], [0.75, 0.25]]


@pytest.mark.parametrize("name", ESTIMATORS)
def test_groups_are_estimated_as_one_by_one(total, name):
    sums = total(7, 9)
    stacked = sums._of(lambda part: np.stack([part, 2 * part]))
    twice = sums._of(lambda part: 2 * part)
    assert ESTIMATORS[name](stacked) == pytest.approx(np.stack([ESTIMATORS[name](sums), ESTIMATORS[name](twice)]))


def test_the_default_is_one_of_them():
    assert DEFAULT in ESTIMATORS
