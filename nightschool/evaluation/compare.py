"""Paired comparison of two recommenders on the same users."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from nightschool.errors import NightschoolError
from nightschool.evaluation.evaluation import Evaluation
from nightschool.evaluation.intervals import TAIL, mean_intervals

Conclusion = Literal["better", "worse", "no difference shown"]


@dataclass(frozen=True)
class Comparison:
    """The mean paired difference of a metric over users, its interval, and the conclusion from it."""

    difference: float
    ci_low: float
    ci_high: float
    n_users: int
    conclusion: Conclusion


def compare(a: Evaluation, b: Evaluation, metric: str = "ndcg", k: int | None = 10, tail: float = TAIL) -> Comparison:
    """Compare two evaluations by paired differences: better or worse only where the interval excludes zero.

    Args:
        a: Of a recommender.
        b: Of another one, on the same users.
        metric: What is compared.
        k: Its cutoff; None for a metric without one.
        tail: The chance that the difference is beyond either end of the interval.

    Raises:
        NightschoolError: The two were not evaluated on the same users.
        NotFound: The metric was not measured at that k.
    """
    if not np.array_equal(a.users, b.users):
        raise NightschoolError(
            "a paired comparison needs the same users in the same order",
            seen=f"{a.n_users} and {b.n_users} users",
            do="evaluate both on one split",
        )
    differences = (a.values(metric, k) - b.values(metric, k))[:, None]
    ends = mean_intervals(differences, tail)
    low, high = float(ends.low[0]), float(ends.high[0])
    mean = float(differences.mean()) if len(differences) else float("nan")
    return Comparison(mean, low, high, len(differences), _conclude(low, high))


def _conclude(low: float, high: float) -> Conclusion:
    if low > 0:
        return "better"
    return "worse" if high < 0 else "no difference shown"
