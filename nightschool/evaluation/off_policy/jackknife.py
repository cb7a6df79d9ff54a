"""95 % intervals of any figure of groups of users, by leaving out one group after another."""

from typing import Final

import numpy as np
from scipy.stats import t as student

from nightschool.evaluation.intervals import TAIL, Interval
from nightschool.evaluation.metrics import Float64s

_LEAST_FREEDOM: Final = 1.0


def jackknife(total: Float64s, without: Float64s) -> tuple[Float64s, Interval]:
    """Return figures without the bias of order 1/n, float64 [m], and their intervals.

    Quenouille (1956), "Notes on bias in estimation"; Efron and Stein (1981), "The jackknife estimate of variance".
    Student's t has the degrees of freedom that the variance comes from: (Σ d²)² / Σ d⁴ of the differences d to the
    mean, which are few where single groups with large weights make it (Satterthwaite 1946).

    Args:
        total: float64 [m], the figures of all groups.
        without: float64 [groups, m], the same without each group.
    """
    groups = len(without)
    if groups < 2:
        unknown = np.full(np.shape(total), np.nan)
        return np.asarray(total), Interval(unknown, unknown)
    mean = without.mean(axis=0)
    squares = (without - mean) ** 2
    errors = np.sqrt((groups - 1) / groups * squares.sum(axis=0))
    fourths = (squares**2).sum(axis=0)
    freedom = np.where(fourths > 0, squares.sum(axis=0) ** 2 / np.where(fourths > 0, fourths, 1.0), groups - 1)
    reach = student.ppf(1 - TAIL, np.clip(freedom, _LEAST_FREEDOM, groups - 1)) * errors
    figures = groups * total - (groups - 1) * mean
    return np.asarray(figures), Interval(figures - reach, figures + reach)
