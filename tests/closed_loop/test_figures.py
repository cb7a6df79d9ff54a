"""Figures of days that were played."""

import numpy as np
import pytest

from nightschool.closed_loop.figures import Day, summarise


def day(number, shown, looked=None, opened=None, expected=1.0, best=2.0):
    shown = np.array(shown)
    looked = shown if looked is None else np.array(looked)
    opened = np.zeros_like(shown) if opened is None else np.array(opened)
    return Day(number, 10, expected, best, opened, shown, looked, np.ones(len(shown), dtype=np.bool_))


def test_satisfaction_is_a_share_of_the_best_lists():
    played = summarise([day(1, [1, 1], expected=1.0), day(2, [1, 1], expected=2.0)], np.zeros(2, dtype=np.int32))
    assert played.satisfaction == pytest.approx(0.75)


def test_coverage_counts_the_last_seven_days():
    days = [day(1, [5, 5, 5, 5]), *(day(number, [5, 5, 0, 0]) for number in range(2, 9))]
    played = summarise(days, np.zeros(4, dtype=np.int32))
    assert played.coverage == 0.5
    assert played.gini == pytest.approx(0.5)


def test_a_new_item_is_found_at_its_tenth_look():
    days = [day(number, [9, 4, 1]) for number in range(1, 5)]
    played = summarise(days, np.array([0, 1, 1], dtype=np.int32))
    assert played.new_found == 0.5
    assert played.new_days == 2


def test_days_without_lists_have_no_satisfaction():
    played = summarise([day(1, [0, 0], expected=0, best=0)], np.array([0, 1], dtype=np.int32))
    assert played.satisfaction == played.coverage == played.new_found == 0
    assert played.new_days is None


def test_a_day_in_json_is_of_plain_numbers():
    assert day(3, [1, 0], opened=[2, 0]).to_dict() == {
        "day": 3,
        "lists": 10,
        "opened_per_list": 0.2,
        "satisfaction": 0.5,
        "items_shown": 1,
        "items": 2,
    }
