"""Analysis of experiments whose shares follow the results: every user's day is weighed by the chance of its arm."""

from collections.abc import Mapping, Sequence
from datetime import date
from math import log, sqrt
from typing import Final, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from nightschool.experiments.bandit import Floats
from nightschool.experiments.user_days import ARM, CONVERTED, DAY, SETTLED

ERROR: Final = 0.05
"""The chance that an experiment without any difference ever shows one, however often it is looked at."""

LEAST_CONVERSIONS: Final = 50
"""Conversions of all arms together before differences are reported: with fewer, the normal limit is not near."""

_TIGHTEST_AT: Final = 20_000
"""Users' days at which an interval is as narrow as it can be made."""


class ArmOverDays(NamedTuple):
    """The results of one arm of an experiment whose shares change.

    Attributes:
        name: The arm.
        user_days: Settled days of users in it.
        conversions: Those of them with a conversion.
        difference: To the control's rate, the mean over all days; None for the control, and with too little yet.
        low: The lower end of its interval, which holds at every look; None without a difference.
        high: The upper end.
    """

    name: str
    user_days: int
    conversions: int
    difference: float | None = None
    low: float | None = None
    high: float | None = None


def analyze_over_days(
    user_days: pl.DataFrame, arms: Sequence[str], shares: Mapping[date, Sequence[float]]
) -> list[ArmOverDays]:
    """Compare each arm with the control over days of different shares.

    Raw rates mislead where shares change: an arm that got most users on good days looks good. So each user's day is
    weighed by one over the chance of its arm that day, after the rates of the days before were subtracted (Hahn et al.
    (2011), "Adaptive experimental design using the propensity score"). These sums are a martingale whatever made the
    shares, as long as a day's were set from earlier days; the interval is the one for martingales of
    Waudby-Smith, Arbour, Sinha, Kennedy, Ramdas (2024), "Time-uniform central limit theory and asymptotic confidence
    sequences". The difference is the mean over the users' days as they came, also where the world changes.

    Args:
        user_days: A row a user and day: day, arm, settled, converted.
        arms: Names; the first is the control.
        shares: The share of each arm on each day.
    """
    rows = user_days.filter(SETTLED).sort(DAY, maintain_order=True)
    members = np.stack([(rows[ARM] == arm).to_numpy() for arm in arms], axis=1)
    converted = rows[CONVERTED].to_numpy().astype(np.float64)
    days, nth = np.unique(rows[DAY].to_numpy(), return_inverse=True)
    chances = np.array([shares[day] for day in rows[DAY].unique().sort()]).reshape(len(days), len(arms))[nth]
    expected = _rates_before(members, converted, nth)
    scores = expected + members * (converted[:, None] - expected) / chances
    found = []
    for place, name in enumerate(arms):
        own = members[:, place]
        result = ArmOverDays(name, int(own.sum()), int(converted[own].sum()))
        if place and converted.sum() >= LEAST_CONVERSIONS:
            interval = mean_at_any_time(scores[:, place] - scores[:, 0], ERROR / (len(arms) - 1))
            result = ArmOverDays(*result[:3], *interval)
        found.append(result)
    return found


def mean_at_any_time(values: Floats, error: float) -> tuple[float, float, float]:
    """Compute the mean with an interval that holds at all looks together, in the limit of many values."""
    n = len(values)
    mean, deviation = float(values.mean()), float(values.std())
    precision = (-2 * log(error) + log(1 - 2 * log(error))) / _TIGHTEST_AT
    half = deviation * sqrt(2 * (n * precision + 1) / (n**2 * precision) * log(sqrt(n * precision + 1) / error))
    return mean, max(mean - half, -1.0), min(mean + half, 1.0)


def _rates_before(members: NDArray[np.bool_], converted: Floats, nth: NDArray[np.int64]) -> Floats:
    """Return the rate of each arm on the days before each row's, float64 [n, n_arms], near all arms' rate at first."""
    n_days = int(nth.max(initial=-1)) + 1
    trials, hits = np.zeros((n_days, members.shape[1])), np.zeros((n_days, members.shape[1]))
    np.add.at(trials, nth, members)
    np.add.at(hits, nth, members * converted[:, None])
    before = [np.vstack([np.zeros((1, members.shape[1])), each.cumsum(axis=0)[:-1]]) for each in (trials, hits)]
    overall = before[1].sum(axis=1, keepdims=True) / np.maximum(before[0].sum(axis=1, keepdims=True), 1)
    rates: Floats = ((before[1] + 10 * overall) / (before[0] + 10))[nth]
    return rates
