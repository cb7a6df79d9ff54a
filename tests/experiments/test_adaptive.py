"""Differences over days of different shares: right where raw rates mislead, with intervals that hold at every look."""

from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from nightschool.experiments.adaptive import analyze_over_days, mean_at_any_time
from nightschool.experiments.bandit import discounted, thompson_shares

FIRST = date(2026, 1, 1)
Shares = dict[date, Sequence[float]]


def simulated(
    rates: np.ndarray, rng: np.random.Generator, users: int = 400, shares: np.ndarray | None = None
) -> tuple[pl.DataFrame, Shares]:
    """User-days of Thompson's allocation, or of given shares; rates by day and arm."""
    trials, hits = np.zeros_like(rates), np.zeros_like(rates)
    days, used = [], {}
    for day, rate in enumerate(rates):
        share = thompson_shares(discounted(trials[:day], hits[:day], None), 0.1) if shares is None else shares[day]
        arm = rng.choice(len(rate), users, p=share)
        converted = rng.random(users) < rate[arm]
        np.add.at(trials[day], arm, 1)
        np.add.at(hits[day], arm, converted)
        at = FIRST + timedelta(days=day)
        used[at] = share.tolist()
        names = np.array([*"ab"])[arm]
        columns = {"day": [at] * users, "arm": names, "settled": [True] * users, "converted": converted}
        days.append(pl.DataFrame(columns))
    return pl.concat(days), used


def test_days_of_different_shares_do_not_mislead() -> None:
    # On good days most users are in b, on bad days in a: raw rates say that b is far better.
    rates, shares = np.array([[0.4, 0.4], [0.1, 0.1]] * 20), np.array([[0.1, 0.9], [0.9, 0.1]] * 20)
    frame, used = simulated(rates, np.random.default_rng(1), shares=shares)
    control, other = analyze_over_days(frame, ["a", "b"], used)
    raw = other.conversions / other.user_days - control.conversions / control.user_days
    assert raw > 0.15
    assert (control.difference, control.low) == (None, None)
    assert other.difference == pytest.approx(0, abs=0.02)
    assert other.low is not None
    assert other.high is not None
    assert other.low < 0 < other.high


def test_the_difference_is_found_and_its_interval_holds_at_every_look() -> None:
    rates, looks = np.tile([0.10, 0.16], (30, 1)), range(3, 31, 3)
    missed, found = 0, []
    for seed in range(60):
        frame, used = simulated(rates, np.random.default_rng(seed), users=200)
        excluded = False
        for look in looks:
            until = frame.filter(pl.col("day") < FIRST + timedelta(days=look))
            _, other = analyze_over_days(until, ["a", "b"], used)
            if other.low is not None and other.high is not None:
                excluded |= not other.low <= 0.06 <= other.high
        missed += excluded
        found.append(other.difference)
    assert missed <= 6
    assert np.mean(found) == pytest.approx(0.06, abs=0.01)


def test_of_little_no_difference_is_reported() -> None:
    frame, used = simulated(np.full((2, 2), 0.05), np.random.default_rng(1), users=100)
    assert [each.difference for each in analyze_over_days(frame, ["a", "b"], used)] == [None, None]
    empty = analyze_over_days(frame.clear(), ["a", "b"], {})
    assert [(each.user_days, each.difference) for each in empty] == [(0, None), (0, None)]


def test_an_interval_at_any_time_is_wider_than_one_of_a_single_look() -> None:
    values = np.random.default_rng(1).normal(0.2, 0.5, 5_000)
    mean, low, high = mean_at_any_time(values, 0.05)
    assert mean == pytest.approx(values.mean())
    single = 1.96 * values.std() / 5_000**0.5
    assert 1.2 * single < mean - low == pytest.approx(high - mean)
    assert high - mean < 3 * single
