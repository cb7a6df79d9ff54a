import numpy as np
import pytest

from nightschool.night.monitoring.control_chart import LEAST_PAST, Limits, control_limits

RATE = 0.1 / 30
CALM = 40


def judge(values, breaks=(), least=0.0, rate=RATE):
    values = np.asarray(values, dtype=float)
    return control_limits(values, np.isin(np.arange(len(values)), [0, *breaks]), error_rate=rate, least=least)


def noise(seed: int, n: int = CALM) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=n)


def wandering(kind: str, seed: int) -> np.ndarray:
    errors = noise(seed, 80)
    if kind == "walk":
        return np.cumsum(errors)
    if kind == "window":  # the mean of four weeks that overlap from night to night
        return np.convolve(errors, np.ones(28) / 28, "valid")
    return errors


@pytest.mark.parametrize("kind", ["level", "walk", "window"])
def test_calm_series_seldom_leave_their_limits_whether_level_or_wandering(kind):
    left = sum(any(judge(wandering(kind, seed)[:end]).outside for end in range(12, 53, 3)) for seed in range(12))
    # Once in 300 nights and spans, over 40 nights: about one of twelve.
    assert left <= 3


@pytest.mark.parametrize("seed", range(5))
def test_a_jump_is_outside_on_its_night(seed):
    found = judge([*noise(seed), 8.0])
    assert found is not None
    assert found.outside
    assert (found.span, found.seen) == (1, 8.0)
    assert found.low < found.expected < found.high < 8.0


@pytest.mark.parametrize("seed", range(5))
def test_a_slow_drift_is_found_within_two_weeks(seed):
    drifting = noise(seed, CALM + 14) + np.r_[np.zeros(CALM), np.arange(1.0, 15.0)]
    found = [judge(drifting[: CALM + nights]) for nights in range(1, 15)]
    assert any(one is not None and one.outside for one in found)


def test_what_is_too_short_is_not_judged():
    assert judge(noise(0, LEAST_PAST + 1)) is None
    assert judge(noise(0, LEAST_PAST + 2)) is not None


def test_a_value_after_a_break_is_not_judged_and_the_next_only_by_those_since():
    moved = [*noise(1), *(noise(2, 4) + 50)]
    assert judge(moved[: CALM + 1], breaks=[CALM]) is None
    found = judge(moved, breaks=[CALM])
    assert found is not None
    assert not found.outside
    assert found.expected == pytest.approx(50, abs=3)


def test_of_a_constant_series_any_change_is_outside_unless_it_is_too_small_to_count():
    assert judge([1.0] * 20 + [1.01]).outside
    assert not judge([1.0] * 20 + [1.01], least=0.05).outside
    assert not judge([1.0] * 21).outside


def test_limits_hold_their_own_ends():
    assert not Limits(1, 1.0, 0.5, 0.0, 1.0).outside
    assert Limits(1, 1.1, 0.5, 0.0, 1.0).outside
