"""Analysis of experiments at any time: each metric of each arm against the control."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from nightschool.experiments.filling import MISMATCH_ERROR, mismatch_p_value
from nightschool.experiments.intervals import (
    ERROR,
    Estimate,
    absolute_effect,
    always_valid,
    estimate_of,
    relative_effect,
    single_look,
    wilson,
)
from nightschool.experiments.metrics import METRICS, Metric, MetricName
from nightschool.experiments.samples import Floats, Moments, moments_of, sample_of, theta_of
from nightschool.shown.exposures import ARM

Conclusion = Literal["better", "worse", "no difference shown yet", "void"]

LEAST_USERS: Final = 100
"""Settled users an arm from which on differences are reported: with fewer, the normal limit is not near."""

MOST_SKEWED: Final = 0.2
"""Skewness of the difference of two means up to which it is reported: with more, the normal limit is not near.

Arms of one size cancel it; an arm of few users is skewed as much as what is counted for one of them by the root of n.
"""


@dataclass(frozen=True)
class Comparison:
    """A metric of an arm against the control.

    Attributes:
        control: The control's mean.
        mean: The arm's mean.
        difference: Adjusted by the covariate, with an interval that holds at every look; None: too few users yet.
        lift: As a share of the control's mean; None also where that is 0.
        single_look: The difference with the interval of one look at a planned time.
        saved: The share of the variance that the covariate explains.
        spread: The variance of the difference times the users of both arms, which more users leave as it is.
        harms: Whether the arm is shown to be worse.
        helps: Whether the arm is shown to be better.
    """

    control: float
    mean: float
    difference: Estimate | None = None
    lift: Estimate | None = None
    single_look: Estimate | None = None
    saved: float = 0.0
    spread: float = 0.0
    harms: bool = False
    helps: bool = False


@dataclass(frozen=True)
class ArmResult:
    """The results of one arm so far.

    Attributes:
        users: Users with an exposure.
        settled: Those of them whose window is over; all figures below are about them.
        conversions: How many converted.
        rejections: How many disliked or hid something they were shown.
        rate: Conversions a settled user, with the 95 % interval of a single look; None without users.
        comparisons: Each metric that is known, to the control's; empty for the control.
        conclusion: Of the metric that decides; None for the control; void where the assignment is broken.
    """

    name: str
    users: int
    settled: int
    conversions: int
    rejections: int
    rate: Estimate | None
    comparisons: Mapping[MetricName, Comparison]
    conclusion: Conclusion | None

    @property
    def difference(self) -> Estimate | None:
        """The difference of conversions to the control; None for the control, or with too few users yet."""
        return self.comparisons["conversion"].difference if self.comparisons else None

    @property
    def harmed(self) -> tuple[MetricName, ...]:
        """The guardrails that the arm is shown to harm."""
        guards = {metric.name for metric in METRICS if metric.guards}
        return tuple(name for name, found in self.comparisons.items() if name in guards and found.harms)


@dataclass(frozen=True)
class Analysis:
    """The results of an experiment so far.

    Attributes:
        arms: The first is the control.
        mismatch: The p-value of the arms being filled as planned, which may be looked at at any time.
    """

    arms: tuple[ArmResult, ...]
    mismatch: float

    @property
    def broken(self) -> bool:
        """Whether the arms are not filled as planned, so that nothing else can be trusted."""
        return self.mismatch <= MISMATCH_ERROR


def analyze(
    outcomes: pl.DataFrame, arms: Sequence[str], shares: Sequence[float], decides: MetricName = "conversion"
) -> Analysis:
    """Analyze the outcomes of an experiment.

    Args:
        outcomes: A row a user in the order of the first exposure: arm, settled, converted, rejected, and the columns of
            further metrics and covariates, where they are known.
        arms: Names; the first is the control, which the others are compared with.
        shares: Of each arm, as planned.
        decides: The metric that verdicts are of.
    """
    members = np.stack([(outcomes[ARM] == arm).to_numpy() for arm in arms], axis=1)
    mismatch = mismatch_p_value(members, shares)
    settled = outcomes["settled"].to_numpy()
    error = ERROR / (len(arms) - 1)
    known = [metric for metric in METRICS if {metric.value, metric.settled} <= set(outcomes.columns)]
    found = []
    for index, name in enumerate(arms):
        own = members[:, index] & settled
        hits = int((own & outcomes["converted"].to_numpy()).sum())
        compared = {metric.name: compare(outcomes, members[:, [0, index]], metric, error) for metric in known}
        result = ArmResult(
            name=name,
            users=int(members[:, index].sum()),
            settled=int(own.sum()),
            conversions=hits,
            rejections=int((own & outcomes["rejected"].to_numpy()).sum()),
            rate=wilson(hits, int(own.sum())),
            comparisons=compared if index else {},
            conclusion=_conclude(compared.get(decides), mismatch) if index else None,
        )
        found.append(result)
    return Analysis(tuple(found), mismatch)


def compare(outcomes: pl.DataFrame, members: NDArray[np.bool_], metric: Metric, error: float) -> Comparison:
    """Compare a metric of an arm with the control.

    Args:
        outcomes: A row a user.
        members: bool[n_users, 2], of the control and of the arm.
        metric: The metric.
        error: The chance that any look excludes the truth.
    """
    settled = outcomes[metric.settled].to_numpy()
    values = outcomes[metric.value].to_numpy().astype(np.float64)
    there = metric.other in outcomes.columns
    others = outcomes[metric.other].to_numpy().astype(np.float64) if there else np.zeros_like(values)
    chosen = [members[:, side] & settled for side in (0, 1)]
    both = [moments_of(values[each], others[each]) for each in chosen]
    counted = values[chosen[0] | chosen[1]]
    enough = min(int(each.n) for each in both) >= LEAST_USERS
    if enough and is_near_normal(both[0].n, both[1].n, np.asarray(_skewness(counted))):
        return _compared(metric, both, error)
    return Comparison(_mean(metric, both[0]), _mean(metric, both[1]))


def is_near_normal(control: Floats, arm: Floats, skewness: Floats) -> NDArray[np.bool_]:
    """Return whether a difference of means is near enough to the normal limit for an interval.

    Args:
        control: Users of the control.
        arm: Users of the arm.
        skewness: Of what is counted for a user, over both.
    """
    skewed = np.abs(skewness) * np.abs(1 / control**2 - 1 / arm**2) / (1 / control + 1 / arm) ** 1.5
    near: NDArray[np.bool_] = (np.minimum(control, arm) >= LEAST_USERS) & (skewed <= MOST_SKEWED)
    return near


def _compared(metric: Metric, both: Sequence[Moments], error: float) -> Comparison:
    theta = np.asarray(0.0) if metric.kind == "ratio" else theta_of(both[0].plus(both[1]))
    control, arm = (sample_of(each, metric.kind, theta) for each in both)
    effect, plain = absolute_effect(control, arm), absolute_effect(*(sample_of(each, metric.kind) for each in both))
    limits = (-1.0, 1.0) if metric.kind == "proportion" else (-np.inf, np.inf)
    difference = estimate_of(effect, always_valid(effect, error), *limits)
    lift = None
    if float(control.unadjusted):
        relative = relative_effect(control, arm)
        lift = estimate_of(relative, always_valid(relative, error))
    up, down = difference.low > 0, difference.high < 0
    return Comparison(
        control=float(control.unadjusted),
        mean=float(arm.unadjusted),
        difference=difference,
        lift=lift,
        single_look=estimate_of(effect, single_look(effect, error), *limits),
        saved=float(1 - effect.variance / plain.variance),
        spread=float(effect.variance * effect.n),
        harms=up if metric.falls else down,
        helps=down if metric.falls else up,
    )


def _mean(metric: Metric, moments: Moments) -> float:
    """Return the mean or ratio of few users; 0 of none."""
    below = float(moments.x if metric.kind == "ratio" else moments.n)
    return float(moments.y) / below if below else 0.0


def _skewness(values: Floats) -> float:
    """Return the third moment around the mean by the deviation's third power; NaN where all values are one."""
    off = values - values.mean()
    second = float((off**2).mean())
    return float((off**3).mean()) / second**1.5 if second > 0 else np.nan


def _conclude(comparison: Comparison | None, mismatch: float) -> Conclusion:
    if mismatch <= MISMATCH_ERROR:
        return "void"
    if comparison is not None and comparison.helps:
        return "better"
    return "worse" if comparison is not None and comparison.harms else "no difference shown yet"
