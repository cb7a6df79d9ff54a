"""Control limits of a series, learned from its own past: for the newest value, and for slow drifts of the last ones."""

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from scipy import stats
from scipy.optimize import brentq

from nightschool.contract import Mask
from nightschool.evaluation.metrics import Float64s

LEAST_PAST: Final = 8
"""Errors of forecasts from which a spread is learned; with fewer, nothing is judged."""
SPANS: Final = (1, 3, 7, 14, 28)
"""How many of the newest values are judged together: one that jumps is seen at once, many that drift later."""

_MEMORIES: Final = np.array([1.0, 0.8, 0.6, 0.45, 0.35, 0.25, 0.15, 0.1, 0.05])
"""Weights of the newest value that are tried for the forecast: from a random walk to a long mean."""
_PRIORS: Final = {True: np.ones(len(_MEMORIES)), False: (_MEMORIES <= 0.15).astype(np.float64)}
"""How likely each memory is beforehand, of a series whose level wanders and of one whose level does not."""
_OUTLYING: Final = 3.0
"""Standard deviations to which an error is cut before the spread is computed, so that one night hides no other."""
_SMALLEST: Final = 1e-12
"""The spread of a series that has none."""
_TO_SIGMA: Final = 1.4826
"""From the median absolute deviation of a normal sample to its standard deviation."""


@dataclass(frozen=True)
class Limits:
    """What the mean of the newest values of a series was expected to be.

    Attributes:
        span: How many values.
        seen: Their mean.
        expected: Its forecast from the values before them.
        low: The lower control limit.
        high: The upper one.
    """

    span: int
    seen: float
    expected: float
    low: float
    high: float

    @property
    def outside(self) -> bool:
        """Whether the values are outside of the limits."""
        return not self.low <= self.seen <= self.high


class _Forecasts(NamedTuple):
    """Forecasts of a series by each memory, float64[n_memories, n].

    Attributes:
        expected: What was expected; where the series begins, the value itself.
        seen: From how many values, float64[n]; where it begins, infinitely many.
        errors: The errors, each over what it may be with so few values.
    """

    expected: Float64s
    seen: Float64s
    errors: Float64s


class _Predicted(NamedTuple):
    """The predictive distribution of a mean: a mixture of Student's, one a memory; float64[n_memories] each."""

    weights: Float64s
    levels: Float64s
    spreads: Float64s
    freedom: int

    def beyond(self, value: float, side: float) -> float:
        """Return the probability of a value at least as far on this side (1 above, -1 below)."""
        return float(self.weights @ stats.t.sf(side * (value - self.levels) / self.spreads, self.freedom))

    def end(self, tail: float, side: float) -> float:
        """Return the value beyond which there is that probability on this side."""
        reach = float(stats.t.isf(tail, self.freedom) * self.spreads.max() + np.ptp(self.levels))
        near = float(self.weights @ self.levels)
        far = near + side * reach
        return float(brentq(lambda value: self.beyond(value, side) - tail, near, far)) if reach > 0 else near


def control_limits(
    values: Float64s, breaks: Mask, *, error_rate: float, least: float, wanders: bool = True
) -> Limits | None:
    """Judge the newest values of a series by those before; None while these are too few.

    A forecast is an exponentially weighted mean, whose errors hardly depend on each other, whether the series is level
    or wanders: Montgomery and Mastrangelo (1991), "Some statistical process control methods for autocorrelated data".
    How long its memory is, few values cannot tell: each memory counts as it is likely. The spread of a mean of several
    values follows from the same model.

    Args:
        values: float64[n], oldest first.
        breaks: bool[n], where the series starts anew: that value is neither forecast nor judged.
        error_rate: The share of calm nights on which the values may be outside.
        least: The smallest change that counts as one.
        wanders: Whether the level itself may move from night to night, as that of figures does that neighbouring nights
            measure on nearly the same data; else only long memories are likely.

    Returns:
        The limits of the shortest span that is outside; where none is, those of the newest value.
    """
    forecasts = _forecast(values, breaks)
    tail = error_rate / len(SPANS) / 2
    first = None
    for span in SPANS:
        predicted = _predict(forecasts, breaks, span, _PRIORS[wanders])
        if predicted is None:
            continue
        seen, level = float(values[-span:].mean()), float(predicted.weights @ predicted.levels)
        outside = abs(seen - level) > least and min(predicted.beyond(seen, side) for side in (-1.0, 1.0)) < tail
        if outside or first is None:
            low, high = (predicted.end(tail, side) for side in (-1.0, 1.0))
            limits = Limits(span, seen, level, min(low, level - least), max(high, level + least))
            if outside:
                return limits
            first = limits
    return first


def _predict(forecasts: _Forecasts, breaks: Mask, span: int, prior: Float64s) -> _Predicted | None:
    """Predict the mean of the last `span` values from those before; None where they are too few."""
    start = len(breaks) - span
    judged = ~breaks[: max(start, 0)]
    judged[:1] = False
    n = int(judged.sum())
    if n < LEAST_PAST or breaks[start:].any():
        return None
    spreads = np.array([_spread(each[:start][judged]) for each in forecasts.errors])
    # Where one memory makes no error at all, the series is constant, and nothing else is likely.
    likely = prior * np.exp(-n * np.log(np.maximum(spreads, _SMALLEST) / max(spreads.min(), _SMALLEST)))
    # Each error moves the level, so that an early one of the span counts in all later values too.
    moved = 1 + np.outer(_MEMORIES, np.arange(span))
    variances = (moved**2).sum(axis=1) / span**2 + np.maximum(_MEMORIES / (2 - _MEMORIES), 1 / forecasts.seen[start])
    scales = np.maximum(spreads, _SMALLEST) * np.sqrt(variances)
    return _Predicted(likely / likely.sum(), forecasts.expected[:, start], scales, n - 1)


def _forecast(values: Float64s, breaks: Mask) -> _Forecasts:
    """Forecast each value from those before it: by their mean at first, by the weighted mean once that is as long."""
    expected = np.tile(values, (len(_MEMORIES), 1))
    known = np.full(len(values), np.inf)
    levels, seen = np.zeros(len(_MEMORIES)), 0
    for place, value in enumerate(values):
        seen = 0 if breaks[place] else seen
        if seen:
            expected[:, place], known[place] = levels, seen
        seen += 1
        levels = levels + np.maximum(_MEMORIES, 1 / seen) * (value - levels)
    return _Forecasts(expected, known, (values - expected) / np.sqrt(1 + 1 / known))


def _spread(errors: Float64s) -> float:
    """Return the standard deviation of errors around zero, outliers cut."""
    around = _TO_SIGMA * float(np.median(np.abs(errors)))
    cut = np.clip(errors, -_OUTLYING * around, _OUTLYING * around) if around else errors
    return float(np.sqrt(np.mean(cut**2)))
