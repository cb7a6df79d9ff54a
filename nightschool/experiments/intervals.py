"""Effects of an arm against the control, with intervals: valid at all looks together, or at a single planned one."""

from math import sqrt
from statistics import NormalDist
from typing import Final, NamedTuple

import numpy as np
from scipy.special import stdtrit

from nightschool.experiments.samples import Floats, Sample

ERROR: Final = 0.05
"""The chance that an experiment without any difference ever shows one, however often it is looked at."""

TIGHTEST_AT: Final = 5_000
"""Users of two arms together at which the interval of their difference is as narrow as it can be made."""

_Z: Final = NormalDist().inv_cdf(0.975)


class Estimate(NamedTuple):
    """A value with the ends of its interval."""

    value: float
    low: float
    high: float


class Effect(NamedTuple):
    """The effect of an arm; each attribute is an array, an entry a look.

    Attributes:
        value: The difference to the control.
        variance: Of the difference.
        n: Users of both arms.
        freedom: The degrees of freedom of a single look, by Welch and Satterthwaite.
    """

    value: Floats
    variance: Floats
    n: Floats
    freedom: Floats


def absolute_effect(control: Sample, arm: Sample) -> Effect:
    """Compute the arm's mean minus the control's."""
    of_control, of_arm = control.variance / control.n, arm.variance / arm.n
    both = of_control + of_arm
    parts = of_control**2 / (control.n - 1) + of_arm**2 / (arm.n - 1)
    return Effect(arm.mean - control.mean, both, control.n + arm.n, both**2 / np.where(parts > 0, parts, 1.0))


def relative_effect(control: Sample, arm: Sample) -> Effect:
    """Compute the difference as a share of the control's mean, with the variance of the delta method."""
    effect, base, other = absolute_effect(control, arm), control.unadjusted, arm.unadjusted
    variance = arm.variance / (base**2 * arm.n) + control.variance * other**2 / (base**4 * control.n)
    return effect._replace(value=effect.value / base, variance=variance)


def always_valid(effect: Effect, error: float) -> Floats:
    """Compute the half-width of an interval that holds at all looks together.

    With probability 1 − error no look ever excludes the true difference, in the limit of many users at the first look
    that reports a difference: Waudby-Smith, Arbour, Sinha, Kennedy, Ramdas (2024), "Time-uniform central limit theory
    and asymptotic confidence sequences", theorem 2.2, of the difference of means of two randomised arms.

    Args:
        effect: The effect at each look, of users in the order in which they came.
        error: The chance that any look excludes the truth.
    """
    half: Floats = np.sqrt(effect.variance * effect.n) * boundary(effect.n, error)
    return half


def single_look(effect: Effect, error: float) -> Floats:
    """Compute the half-width of the interval of one look at a time that was planned before: Welch's t-test.

    Args:
        effect: The effect.
        error: The chance that this look excludes the truth.
    """
    half: Floats = stdtrit(effect.freedom, 1 - error / 2) * np.sqrt(effect.variance)
    return half


def boundary(t: Floats | int, error: float) -> Floats:
    """Compute the half-width of the interval of a mean of t values of deviation 1 that holds at every t."""
    spread = t * (-2 * np.log(error) + np.log(1 - 2 * np.log(error))) / TIGHTEST_AT
    half: Floats = np.sqrt(2 * (spread + 1) / (t * spread) * np.log(np.sqrt(spread + 1) / error))
    return half


def estimate_of(effect: Effect, half: Floats, least: float = -np.inf, most: float = np.inf) -> Estimate:
    """Convert one look to an estimate, whose ends are cut to what is possible."""
    value, width = float(effect.value), float(half)
    return Estimate(value, max(least, value - width), min(most, value + width))


def wilson(hits: int, n: int) -> Estimate | None:
    """Compute a rate with its 95 % Wilson interval, for a single look; None without trials.

    Wilson (1927), "Probable inference, the law of succession, and statistical inference".
    """
    if n == 0:
        return None
    rate, weight = hits / n, _Z**2 / n
    middle = (rate + weight / 2) / (1 + weight)
    half = _Z * sqrt((rate * (1 - rate) + weight / 4) / n) / (1 + weight)
    return Estimate(rate, max(0.0, middle - half), min(1.0, middle + half))
