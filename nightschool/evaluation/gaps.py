"""Who is served better or worse: segments of users compared with the others, and with what another recipe gives."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from scipy import stats

from nightschool.contract import Mask
from nightschool.evaluation.evaluation import Evaluation
from nightschool.evaluation.metrics import Float64s
from nightschool.evaluation.segments import OVERALL

LEAST: Final = 20
"""Evaluated users on each side without whom nothing is compared."""
ERROR: Final = 0.05
"""The chance that any difference is shown where there is none."""

_ALIKE: Final = 1e-12
"""Values that differ by no more than rounding have no spread to test by."""


@dataclass(frozen=True)
class Gap:
    """The difference of a metric's mean for a segment.

    Attributes:
        segment: Its name.
        n_users: Evaluated users in it.
        difference: The mean of the segment less what it is compared with.
        ci_low: Lower end of its 95 % interval, for this comparison alone.
        ci_high: Upper end.
        p_value: Holm-adjusted for all that were compared with it.
        shown: Whether the difference is shown, all comparisons considered.
    """

    segment: str
    n_users: int
    difference: float
    ci_low: float
    ci_high: float
    p_value: float
    shown: bool = False


def gaps_to_others(evaluation: Evaluation, groups: Mapping[str, Mask]) -> list[Gap]:
    """Compare each segment's ndcg@10 with that of the other segments of its kind, by Welch's test.

    Args:
        evaluation: What was measured.
        groups: Segment, such as `audience:Junior`, to bool[n_users]; the kind is what stands before the colon.
    """
    values = evaluation.values("ndcg", 10)
    found = []
    for name, members in groups.items():
        if name == OVERALL:
            continue
        same_kind = [mask for other, mask in groups.items() if _kind(other) == _kind(name)]
        inside = members[evaluation.users]
        outside = np.logical_or.reduce(same_kind)[evaluation.users] & ~inside
        if min(inside.sum(), outside.sum()) >= LEAST:
            difference = float(values[inside].mean() - values[outside].mean())
            if max(np.ptp(values[inside]), np.ptp(values[outside])) > _ALIKE:
                test = stats.ttest_ind(values[inside], values[outside], equal_var=False)
                ends, p_value = test.confidence_interval(), float(test.pvalue)
                found.append(Gap(name, int(inside.sum()), difference, float(ends.low), float(ends.high), p_value))
    return _adjusted(found)


def gaps_to_another(
    evaluation: Evaluation, other: Evaluation, groups: Mapping[str, Mask], margin: float = 0.0
) -> list[Gap]:
    """Compare ndcg@10 in each segment with another recipe's, on the same users; shown only where it is worse.

    Args:
        evaluation: What was measured of a recipe.
        other: The same of the other one, on the same users.
        groups: Segment to bool[n_users].
        margin: How much worse a segment may be; a difference is shown where it is shown to be below that.
    """
    differences = evaluation.values("ndcg", 10) - other.values("ndcg", 10)
    found = []
    for name, members in groups.items():
        own = differences[members[evaluation.users]]
        if name != OVERALL and len(own) >= LEAST:
            found.append(_paired(name, own, margin))
    return _adjusted(found)


def _paired(name: str, differences: Float64s, margin: float) -> Gap:
    """Test whether the mean of differences is below the margin; where all are alike there is nothing to test."""
    mean = float(differences.mean())
    if np.ptp(differences) <= _ALIKE:
        return Gap(name, len(differences), mean, mean, mean, float(mean >= -margin))
    ends = stats.ttest_1samp(differences, 0.0).confidence_interval()
    p_value = float(stats.ttest_1samp(differences, -margin, alternative="less").pvalue)
    return Gap(name, len(differences), mean, float(ends.low), float(ends.high), p_value)


def _adjusted(gaps: list[Gap]) -> list[Gap]:
    """Adjust the p-values for their number: Holm (1979), "A simple sequentially rejective multiple test procedure"."""
    order = sorted(range(len(gaps)), key=lambda place: gaps[place].p_value)
    adjusted, largest = [0.0] * len(gaps), 0.0
    for step, place in enumerate(order):
        largest = max(largest, min(1.0, (len(gaps) - step) * gaps[place].p_value))
        adjusted[place] = largest
    return [replace(gap, p_value=p, shown=p < ERROR) for gap, p in zip(gaps, adjusted, strict=True)]


def _kind(segment: str) -> str:
    return segment.partition(":")[0]
