"""Sums over logged rows, compared with plain loops."""

import numpy as np
import pytest

from nightschool.evaluation.off_policy.logs import places_of, read_logs
from nightschool.evaluation.off_policy.reward_model import item_rates, with_rates
from nightschool.evaluation.off_policy.sums import sums_of


@pytest.fixture
def found(two_places, lists_for):
    logs = read_logs(two_places)
    others = with_rates(places_of(logs, lists_for(9, 7)), item_rates(logs, np.ones(2)))
    both = logs.rows.join(others.drop("group"), on=["list_id", "item_id"])
    return logs, others, sums_of(logs, others, both)


def test_each_row_counts_at_its_place_and_at_that_of_the_other_list(found):
    _, _, sums = found
    # Item 7 was chosen for the first place thrice (twice clicked) and is second there; 9 was explored once at each.
    assert sums.weights.sum(axis=0).tolist() == [[[0, 3.75], [0, 0]], [[10, 0], [10, 0]]]
    assert sums.rewards.sum(axis=0).tolist() == [[[0, 2.5], [0, 0]], [[10, 0], [10, 0]]]
    assert sums.places.sum(axis=0).tolist() == [4, 4]
    assert sums.lists.sum() == 4


def test_rates_are_summed_likewise(found):
    logs, others, sums = found
    rates = {(row["list_id"], row["item_id"]): row["rate"] for row in others.iter_rows(named=True)}
    second = sum(rates[each, 7] for each in (0, 1, 3)) * 1.25
    assert sums.rates.sum(axis=0)[0, 0, 1] == pytest.approx(second)
    assert sums.models.sum(axis=0)[0] == pytest.approx(sum(rates[each, 9] for each in range(4)))
    assert logs.groups == 4


def test_totals_and_leaving_out_add_up(found):
    _, _, sums = found
    total, without = sums.total, sums.without_each
    assert without.rewards.sum(axis=0) == pytest.approx(3 * total.rewards)
    assert without.explored.slots.sum(axis=0) == pytest.approx(3 * total.explored.slots)
    assert without.lists.tolist() == [3, 3, 3, 3]
