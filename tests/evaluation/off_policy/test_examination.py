"""Examination from slots that were filled by chance."""

import numpy as np
import pytest

from nightschool.evaluation.off_policy.examination import (
    ExploredSlots,
    examination,
    examination_by_place,
    explored_slots,
)
from nightschool.evaluation.off_policy.logs import read_logs


def test_only_explored_slots_count(two_places):
    rewards, slots = explored_slots(read_logs(two_places))
    assert slots.sum(axis=0).tolist() == [1, 1]
    assert rewards.sum(axis=0).tolist() == [1, 1]


def test_places_differ_by_their_rate_of_rewards():
    examined = examination(ExploredSlots(np.array([30_000.0, 10_000.0]), np.array([1e6, 1e6])))
    assert examined == pytest.approx([1.5, 0.5], abs=1e-3)


def test_a_place_without_slots_is_as_the_mean():
    assert examination(ExploredSlots(np.zeros(3), np.zeros(3))) == pytest.approx([1, 1, 1])


def test_relative_to_the_first_place_the_interval_holds_the_truth(shown):
    rng = np.random.default_rng(3)
    clicks = rng.random((2_000, 2)) < np.array([0.4, 0.2])
    rows = [(n, n // 2, 50 + place, place, 0.1, bool(clicks[n, place - 1])) for n in range(2_000) for place in (1, 2)]
    value, ends = examination_by_place(read_logs(shown(rows)))
    assert value[0] == pytest.approx(1)
    assert ends.low[1] < 0.5 < ends.high[1]
    assert ends.high[1] - ends.low[1] < 0.15
