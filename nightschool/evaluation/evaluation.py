"""What an evaluation found: values by user, their means with intervals, and the rows of the metrics table."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from nightschool.columns import CI_HIGH, CI_LOW, METRIC, METRICS, MODEL, N_USERS, RELEASE_ID, SEGMENT, SPLIT, VALUE, K
from nightschool.contract import Indices, Mask
from nightschool.errors import NotFound
from nightschool.evaluation.intervals import Interval, mean_intervals, ratio_intervals
from nightschool.evaluation.metrics import Float64s
from nightschool.evaluation.segments import OVERALL

PerUser = Mapping[str, Mapping[int | None, Float64s]]
Totals = Mapping[str, Mapping[int | None, float]]

_ROWS = pl.Schema({name: dtype for name, dtype in METRICS.columns.items() if name != RELEASE_ID})


@dataclass(frozen=True, eq=False)
class Errors:
    """Prediction errors summed by user.

    Attributes:
        users: int32[n], ascending.
        pairs: float64[n], how many held-out pairs the user has.
        squared: float64[n], Σ (prediction - score)².
        absolute: float64[n], Σ |prediction - score|.
    """

    users: Indices
    pairs: Float64s
    squared: Float64s
    absolute: Float64s

    def select(self, users: Mask) -> "Errors":
        """The errors of the users whose bool[n_users] is set."""
        kept = users[self.users]
        return Errors(self.users[kept], self.pairs[kept], self.squared[kept], self.absolute[kept])

    def figures(self) -> tuple[Float64s, Interval]:
        """rmse and mae over pairs, float64[2], and their intervals with users as the units."""
        sums = np.stack([self.squared, self.absolute], axis=1)
        total = self.pairs.sum()
        values = sums.sum(axis=0) / total if total else np.full(2, np.nan)
        low, high = ratio_intervals(sums, self.pairs)
        root = [np.sqrt(np.maximum(ends[0], 0.0)) for ends in (values, low, high)]
        value, low, high = (np.array([r, ends[1]]) for r, ends in zip(root, (values, low, high), strict=True))
        return value, Interval(low, high)


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What one recommender's lists are worth on one split.

    Attributes:
        users: int32[n], the users evaluated.
        per_user: Metric to k (None: the whole ranking) to float64[n].
        totals: Figures of all lists together: coverage and gini by k; outside_candidates, the share of relevant pairs
            whose item could not be recommended; cold_users, how many users with relevant pairs have no history.
        errors: Prediction errors; None for a recommender that predicts no ratings.
    """

    users: Indices
    per_user: PerUser
    totals: Totals
    errors: Errors | None = None

    @property
    def n_users(self) -> int:
        """Number of users evaluated."""
        return len(self.users)

    def values(self, metric: str, k: int | None = None) -> Float64s:
        """A metric's value for each user, float64[n].

        Raises:
            NotFound: The metric was not measured at that k.
        """
        if k not in self.per_user.get(metric, {}):
            measured = sorted(f"{name}@{at}" for name, cutoffs in self.per_user.items() for at in cutoffs)
            raise NotFound("metric not measured", seen=f"{metric}@{k}", do=f"measured are {', '.join(measured)}")
        return self.per_user[metric][k]

    def mean(self, metric: str, k: int | None = None) -> float:
        """A metric's mean over users; also `rmse` and `mae`, over pairs, and the totals. NaN without users."""
        if metric in self.totals and k in self.totals[metric]:
            return self.totals[metric][k]
        if metric in _ERROR_METRICS and self.errors is not None:
            return float(self.errors.figures()[0][_ERROR_METRICS.index(metric)])
        return float(_means(self.values(metric, k)[:, None])[0])

    def interval(self, metric: str, k: int | None = None) -> tuple[float, float]:
        """The 95 % interval of `mean`, lower and upper end; NaN for fewer than two users."""
        if metric in _ERROR_METRICS and self.errors is not None:
            ends = self.errors.figures()[1]
            place = _ERROR_METRICS.index(metric)
            return float(ends.low[place]), float(ends.high[place])
        values = self.values(metric, k)
        ends = mean_intervals(values[~np.isnan(values), None])
        return float(ends.low[0]), float(ends.high[0])
