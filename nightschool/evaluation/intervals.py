"""Intervals of means over users, of 95 % if not said otherwise: normal, or bootstrap where there are few users."""

from functools import lru_cache
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from nightschool.evaluation.metrics import Float64s, ratio

NORMAL_FROM = 200
RESAMPLES = 2000
BOOTSTRAP_SEED = 20_020
TAIL = 0.025


class Interval(NamedTuple):
    """Lower and upper ends, float64[m]; NaN where there are fewer than two users."""

    low: Float64s
    high: Float64s


def mean_intervals(values: Float64s, tail: float = TAIL) -> Interval:
    """Compute the interval of each column's mean over the users who have a value.

    Args:
        values: float64[n_users, m]; NaN: no value.
        tail: The chance that the mean is beyond either end.
    """
    return ratio_intervals(*known_values(values), tail)


def known_values(values: Float64s) -> tuple[Float64s, Float64s]:
    """Replace NaN by zero, and return weights of the same shape: 1 where there was a value, 0 where not."""
    there = ~np.isnan(values)
    return np.where(there, values, 0.0), there.astype(np.float64)


def ratio_intervals(sums: Float64s, weights: Float64s, tail: float = TAIL) -> Interval:
    """Compute the interval of each column's Σ sums / Σ weights, with users as the sampling units.

    From 200 users on the normal interval of the linearised ratio, else percentiles of a seeded bootstrap: Efron and
    Tibshirani (1993), "An Introduction to the Bootstrap". Tails that are too small for its resamples are Student's.

    Args:
        sums: float64[n_users, m], each user's part of the numerators.
        weights: float64[n_users, m], each user's part of the denominators.
        tail: The chance that the ratio is beyond either end.
    """
    n, m = sums.shape
    if n < 2:
        return Interval(np.full(m, np.nan), np.full(m, np.nan))
    if n < NORMAL_FROM and tail >= TAIL:
        return _bootstrap(sums, weights, tail)
    ratios = ratio(sums.sum(axis=0), weights.sum(axis=0))
    residuals = sums - weights * ratios
    errors = ratio(np.sqrt(np.einsum("um,um->m", residuals, residuals) * n / (n - 1)), weights.sum(axis=0))
    quantile = -NormalDist().inv_cdf(tail) if n >= NORMAL_FROM else float(stats.t.isf(tail, n - 1))
    return Interval(ratios - quantile * errors, ratios + quantile * errors)


def _bootstrap(sums: Float64s, weights: Float64s, tail: float) -> Interval:
    drawn = _draws(len(weights)).astype(np.float64)
    low, high = np.quantile(ratio(drawn @ sums, drawn @ weights), [tail, 1 - tail], axis=0)
    return Interval(low, high)


@lru_cache(maxsize=16)
def _draws(n: int) -> NDArray[np.uint8]:
    """Draw how often each of n < 200 users is in each resample, uint8[RESAMPLES, n]; each segment has its own n."""
    rng = np.random.default_rng(BOOTSTRAP_SEED)
    return rng.multinomial(n, np.full(n, 1 / n), size=RESAMPLES).astype(np.uint8)
