"""Analysis of experiments at any time: intervals and checks that hold at all looks together."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log, sqrt
from statistics import NormalDist
from typing import Final, Literal, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.special import gammaln

from nightschool.experiments.outcomes import CONVERTED, REJECTED, SETTLED
from nightschool.shown.exposures import ARM

Conclusion = Literal["better", "worse", "no difference shown yet", "void"]
Counts = NDArray[np.int64]

ERROR: Final = 0.05
"""The chance that an experiment without any difference ever shows one, however often it is looked at."""

MISMATCH_ERROR: Final = 0.01
"""The chance that arms that are filled as planned are ever reported as mismatched."""

LEAST_USERS: Final = 100
"""Settled users an arm from which on differences are reported: with fewer, the normal limit is not near."""

LEAST_EXPECTED: Final = 20
"""Users of the smaller arm who must be expected to convert, and as many not, before differences are reported."""

_TIGHTEST_AT: Final = 5_000
"""Settled users of two arms together at which the interval of their difference is as narrow as it can be made."""

_CONCENTRATION: Final = 100.0
"""How near to the plan the shares of a broken assignment are expected, in users of the Dirichlet prior."""

_Z: Final = NormalDist().inv_cdf(0.975)


class Estimate(NamedTuple):
    """A value with the ends of its interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class ArmResult:
    """The results of one arm so far.

    Attributes:
        users: Users with an exposure.
        settled: Those of them whose window is over; all figures below are about them.
        conversions: How many converted.
        rejections: How many disliked or hid something they were shown.
        rate: Conversions a settled user, with the 95 % interval of a single look; None without users.
        difference: To the control's rate, with an interval that holds at every look; None for the control.
        harm: To the control's rate of rejections, likewise.
        conclusion: None for the control; void where the assignment is broken.
    """

    name: str
    users: int
    settled: int
    conversions: int
    rejections: int
    rate: Estimate | None
    difference: Estimate | None
    harm: Estimate | None
    conclusion: Conclusion | None

    @property
    def harms(self) -> bool:
        """Whether more users than in the control are shown to reject what they see."""
        return self.harm is not None and self.harm.low > 0


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


def analyze(outcomes: pl.DataFrame, arms: Sequence[str], shares: Sequence[float]) -> Analysis:
    """Analyze the outcomes of an experiment.

    Args:
        outcomes: A row a user in the order of the first exposure: arm, settled, converted, rejected.
        arms: Names; the first is the control, which the others are compared with.
        shares: Of each arm, as planned.
    """
    members = np.stack([(outcomes[ARM] == arm).to_numpy() for arm in arms], axis=1)
    mismatch = mismatch_p_value(members, shares)
    settled = outcomes[SETTLED].to_numpy()
    n, hits, rejections = (
        members[chosen].sum(axis=0)
        for chosen in (settled, settled & outcomes[CONVERTED].to_numpy(), settled & outcomes[REJECTED].to_numpy())
    )
    error = ERROR / (len(arms) - 1)
    found = []
    for index, name in enumerate(arms):
        both = [0, index]
        difference = difference_of_rates(hits[both], n[both], error) if index else None
        result = ArmResult(
            name=name,
            users=int(members[:, index].sum()),
            settled=int(n[index]),
            conversions=int(hits[index]),
            rejections=int(rejections[index]),
            rate=wilson(int(hits[index]), int(n[index])),
            difference=difference,
            harm=difference_of_rates(rejections[both], n[both], error) if index else None,
            conclusion=_conclude(difference, mismatch) if difference else None,
        )
        found.append(result)
    return Analysis(tuple(found), mismatch)


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


def difference_of_rates(hits: Counts, n: Counts, error: float) -> Estimate:
    """Compute the second rate minus the first, with an interval that holds at all looks together.

    With probability 1 − error no look ever excludes the true difference, in the limit of many users at the first look
    that reports a difference: Waudby-Smith, Arbour, Sinha, Kennedy, Ramdas (2024), "Time-uniform central limit theory
    and asymptotic confidence sequences", theorem 2.2, of the difference of means of two randomised arms.

    Args:
        hits: int[2], converted users of each arm.
        n: int[2], users of each arm, in the order in which they came.
        error: The chance that any look excludes the truth.
    """
    value = float(hits[1] / n[1] - hits[0] / n[0]) if n.all() else 0.0
    total = int(n.sum())
    expected = n.min() * np.array([hits.sum(), total - hits.sum()]) / max(total, 1)
    if n.min() < LEAST_USERS or expected.min() < LEAST_EXPECTED:
        return Estimate(value, -1.0, 1.0)
    # One hit and one miss more an arm keep a rate of 0 or 1 from looking certain.
    rates = (hits + 1) / (n + 2)
    deviation = sqrt(total * float((rates * (1 - rates) / n).sum()))
    half = deviation * float(boundary(total, error))
    return Estimate(value, max(-1.0, value - half), min(1.0, value + half))


def boundary(t: int, error: float) -> float:
    """Compute the half-width of the interval of a mean of t values of deviation 1 that holds at every t."""
    spread = t * (-2 * log(error) + log(1 - 2 * log(error))) / _TIGHTEST_AT
    return sqrt(2 * (spread + 1) / (t * spread) * log(sqrt(spread + 1) / error))


def mismatch_p_value(members: NDArray[np.bool_], shares: Sequence[float]) -> float:
    """Compute the p-value of arms being filled as planned, valid at all looks together.

    Lindon and Malek (2022), "Anytime-valid inference for multinomial count data": the least that one over the Bayes
    factor of a Dirichlet prior around the plan against the plan has been so far.

    Args:
        members: bool[n_users, n_arms], in the order in which users came; one True a row.
        shares: Of each arm, as planned.
    """
    if not len(members):
        return 1.0
    planned = np.asarray(shares)
    prior = _CONCENTRATION * planned
    counts = members.cumsum(axis=0)
    totals = counts.sum(axis=1)
    mixture = gammaln(prior.sum()) - gammaln(prior.sum() + totals)
    mixture += (gammaln(prior + counts) - gammaln(prior)).sum(axis=1)
    factors = mixture - counts @ np.log(planned)
    return float(np.exp(-max(0.0, factors.max())))


def _conclude(difference: Estimate, mismatch: float) -> Conclusion:
    if mismatch <= MISMATCH_ERROR:
        return "void"
    if difference.low > 0:
        return "better"
    return "worse" if difference.high < 0 else "no difference shown yet"
