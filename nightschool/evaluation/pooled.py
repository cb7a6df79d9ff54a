"""Paired differences pooled over several cuts: users are the sampling units, on however many cuts they are."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from nightschool.contract import Indices
from nightschool.evaluation.metrics import Float64s

_NORMAL = NormalDist()


@dataclass(frozen=True)
class Paired:
    """The mean of paired differences and its standard error; the error is infinite for fewer than two users."""

    mean: float
    standard_error: float

    def within(self, tried: int) -> bool:
        """Return whether so large a mean is no more than luck would give to the best of so many that are alike.

        The luckiest of n equals is ahead by about the n / (n + 1) quantile of a normal distribution; what is less than
        one standard error never counts.
        """
        errors = max(1.0, _NORMAL.inv_cdf(tried / (tried + 1)))
        return self.mean <= errors * self.standard_error


def pool_differences(users: Sequence[Indices], differences: Sequence[Float64s]) -> Paired:
    """Pool the differences of several cuts, each user's own added up, as a ratio of sums.

    Args:
        users: For each cut int32 [n], the users.
        differences: For each cut float64 [n], their differences.
    """
    everyone, values = np.concatenate(users), np.concatenate(differences)
    _, places = np.unique(everyone, return_inverse=True)
    counts = np.bincount(places).astype(np.float64)
    n = len(counts)
    if n < 2:
        return Paired(float(values.mean()) if n else 0.0, float("inf"))
    mean = float(values.mean())
    residuals = np.bincount(places, weights=values) - counts * mean
    return Paired(mean, float(np.sqrt(residuals @ residuals * n / (n - 1)) / counts.sum()))
