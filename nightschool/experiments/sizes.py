"""Sizes of experiments: how many users show an effect, how small an effect users show, and how many days that takes."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from statistics import NormalDist
from typing import Final, NamedTuple

import numpy as np

from nightschool.experiments.analysis import LEAST_USERS, Analysis
from nightschool.experiments.intervals import ERROR, boundary
from nightschool.experiments.plan import Experiment, Plan
from nightschool.experiments.samples import Floats

POWER: Final = 0.8
"""The chance that an effect of the planned size is shown by the time the planned users have settled."""

_Z: Final = NormalDist().inv_cdf(POWER)
_SIZES: Final = np.geomspace(2 * LEAST_USERS, 1e12, 20_000)
"""Sizes that are tried, each a tenth of a percent above the one before."""

_TREND_DAYS: Final = 7
_MOST_DAYS: Final = 3_650


class Baseline(NamedTuple):
    """What is known of users before an experiment.

    Attributes:
        mean: Of the metric.
        variance: Of one user's value, less what the covariate explains.
        reach: float64[n_days], different users within the first 1, 2, … days.
    """

    mean: float
    variance: float
    reach: Floats


class Size(NamedTuple):
    """The size of an experiment.

    Attributes:
        users: Users of each arm; empty where no number of users is enough.
        days: Until they have settled; None where that takes more than ten years.
    """

    users: tuple[int, ...]
    days: int | None


class Progress(NamedTuple):
    """How far an experiment has come.

    Attributes:
        needed: Settled users of all arms that show the planned effect.
        days_to_go: Until then at the pace so far; None without a pace.
    """

    needed: int
    days_to_go: int | None


def size_of(plan: Plan, baseline: Baseline) -> Size:
    """Compute the users and days after which an effect of the planned size is shown with a chance of `POWER`."""
    total = users_needed(_spreads(plan, baseline), plan.effect * baseline.mean, len(plan.arms) - 1)
    if total is None:
        return Size((), None)
    return Size(tuple(int(np.ceil(total * arm.share)) for arm in plan.arms), _days(plan, baseline, total))


def detectable(plan: Plan, baseline: Baseline, days: int) -> float | None:
    """Return the relative effect that so many days show with a chance of `POWER`; None with too few users."""
    total = plan.share * float(_reached(baseline.reach, days - plan.window_hours / 24))
    if total * min(arm.share for arm in plan.arms) < LEAST_USERS or baseline.mean == 0:
        return None
    widths = [
        _width(spread, np.asarray(total * share), len(plan.arms) - 1) for spread, share in _spreads(plan, baseline)
    ]
    return max(float(width) for width in widths) / abs(baseline.mean)


def users_needed(spreads: Sequence[tuple[float, float]], effect: float, n_arms: int) -> int | None:
    """Return the users of all arms at which each of these differences shows an effect; None: no number is enough.

    Args:
        spreads: Of each arm, the variance of the difference times the users of arm and control, and both arms' share.
        effect: The absolute effect.
        n_arms: Arms beside the control.
    """
    totals = []
    for spread, share in spreads:
        enough = np.flatnonzero(_width(spread, _SIZES, n_arms) <= abs(effect))
        if not effect or not len(enough):
            return None
        totals.append(float(_SIZES[enough[0]]) / share)
    return int(np.ceil(max(totals)))


def progress_of(experiment: Experiment, analysis: Analysis, now: datetime) -> Progress | None:
    """Return how far an experiment has come; None before its variance is known."""
    found = [arm.comparisons[experiment.metric] for arm in analysis.arms[1:] if experiment.metric in arm.comparisons]
    if not found or any(each.difference is None for each in found):
        return None
    shares = [experiment.shares[0] + share for share in experiment.shares[1:]]
    spreads = [(each.spread, share) for each, share in zip(found, shares, strict=True)]
    needed = users_needed(spreads, experiment.effect * found[0].control, len(found))
    if needed is None:
        return None
    settled = sum(arm.settled for arm in analysis.arms)
    pace = settled / max((now - experiment.started_at - experiment.window) / timedelta(days=1), 1.0)
    return Progress(needed, int(np.ceil(max(0, needed - settled) / pace)) if pace else None)


def _width(spread: float, n: Floats, n_arms: int) -> Floats:
    """Return the effect that n users of two arms show with a chance of `POWER`."""
    width: Floats = np.sqrt(spread) * (boundary(n, ERROR / n_arms) + _Z / np.sqrt(n))
    return width


def _spreads(plan: Plan, baseline: Baseline) -> list[tuple[float, float]]:
    """Return for each arm the variance of its difference to the control times the users of both, and their share."""
    control, *others = (arm.share for arm in plan.arms)
    return [(baseline.variance * (control + share) * (1 / control + 1 / share), control + share) for share in others]


def _days(plan: Plan, baseline: Baseline, total: float) -> int | None:
    days = np.arange(1.0, _MOST_DAYS)
    reached = plan.share * _reached(baseline.reach, days)
    enough = np.flatnonzero(reached >= total)
    return int(np.ceil(days[enough[0]] + plan.window_hours / 24)) if len(enough) else None


def _reached(reach: Floats, days: Floats | float) -> Floats:
    """Return the different users within so many days; beyond what is known they grow as in the last week of it."""
    known = np.arange(len(reach) + 1)
    counts = np.concatenate([[0.0], reach])
    first = max(len(reach) - _TREND_DAYS, 0)
    slope = (counts[-1] - counts[first]) / (len(reach) - first)
    beyond = np.maximum(np.asarray(days) - len(reach), 0)
    reached: Floats = np.interp(days, known, counts) + slope * beyond
    return reached
