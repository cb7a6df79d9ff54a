"""Sufficient statistics of a metric in the arms of an experiment: proportions, means, ratios, and covariates."""

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Kind = Literal["proportion", "mean", "ratio"]


class Moments(NamedTuple):
    """Sums over users: of a metric (y), and of its covariate or denominator (x); each an array, an entry a look.

    Attributes:
        n: Users.
        y: Sum of the metric, in a ratio of its numerator.
        yy: Sum of its squares.
        x: Sum of the covariate, in a ratio of the denominator.
        xx: Sum of its squares.
        xy: Sum of the products of both.
    """

    n: Floats
    y: Floats
    yy: Floats
    x: Floats
    xx: Floats
    xy: Floats

    def plus(self, other: "Moments") -> "Moments":
        """Return the sums over the users of both arms."""
        return Moments(*(mine + theirs for mine, theirs in zip(self, other, strict=True)))

    @property
    def variance_x(self) -> Floats:
        """Return the unbiased variance of x."""
        return _covariance(self.n, self.x, self.x, self.xx)

    @property
    def covariance(self) -> Floats:
        """Return the unbiased covariance of x and y."""
        return _covariance(self.n, self.x, self.y, self.xy)


class Sample(NamedTuple):
    """What is known of a metric in one arm; each attribute is an array, an entry a look.

    Attributes:
        n: Users.
        mean: The metric, adjusted by its covariate.
        variance: The variance of one user's share in the mean.
        unadjusted: The metric itself.
    """

    n: Floats
    mean: Floats
    variance: Floats
    unadjusted: Floats


def moments_of(values: Floats, others: Floats, axis: int = -1) -> Moments:
    """Sum the values of users, and their covariates or denominators.

    Args:
        values: The metric of each user.
        others: The covariate or denominator of each user.
        axis: The axis of the users.
    """
    sums = (values, values**2, others, others**2, values * others)
    n = np.float64(values.shape[axis])
    return Moments(np.asarray(n), *(each.sum(axis=axis) for each in sums))


def theta_of(pooled: Moments) -> Floats:
    """Return the weight of the covariate that makes the variance least; 0 where one of both is constant.

    Deng, Xu, Kohavi, Walker (2013), "Improving the sensitivity of online controlled experiments by utilizing
    pre-experiment data", eq. (4).

    Args:
        pooled: The sums over both arms: with one weight for both, the difference stays unbiased.
    """
    varies = (pooled.variance_x > 0) & (_covariance(pooled.n, pooled.y, pooled.y, pooled.yy) > 0)
    return np.where(varies, pooled.covariance / np.where(varies, pooled.variance_x, 1.0), 0.0)


def sample_of(moments: Moments, kind: Kind, theta: Floats | float = 0.0) -> Sample:
    """Compute mean and variance of a metric in one arm.

    A ratio of sums has the variance of the delta method.

    Args:
        moments: The arm's sums.
        kind: What is counted for a user: whether something happened, a value, or two values whose ratio counts.
        theta: The weight of the covariate; a ratio has none.
    """
    n, y, yy, x, xx, _ = moments
    if kind == "ratio":
        return _ratio(moments)
    mean = y / n
    variance = mean * (1 - mean) if kind == "proportion" else _covariance(n, y, y, yy)
    variance = variance + theta**2 * _covariance(n, x, x, xx) - 2 * theta * moments.covariance
    return Sample(n, mean - theta * x / n, variance, mean)


def _ratio(moments: Moments) -> Sample:
    n, y, yy, x, xx, _ = moments
    above, below = y / n, x / n
    ratio = above / below
    variance = _covariance(n, y, y, yy) - 2 * ratio * moments.covariance + ratio**2 * _covariance(n, x, x, xx)
    return Sample(n, ratio, variance / below**2, ratio)


def _covariance(n: Floats, a: Floats, b: Floats, ab: Floats) -> Floats:
    return (ab - a * b / n) / (n - 1)
