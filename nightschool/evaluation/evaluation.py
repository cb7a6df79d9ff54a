"""The result of an evaluation: values by user, their means with intervals, and rows of the metrics table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from nightschool.columns import CI_HIGH, CI_LOW, METRIC, MODEL, N_USERS, SEGMENT, SPLIT, VALUE, K
from nightschool.contract import Indices, Mask
from nightschool.errors import NotFound
from nightschool.evaluation.figure_rows import FIGURE_ROWS
from nightschool.evaluation.intervals import Interval, known_values, mean_intervals, ratio_intervals
from nightschool.evaluation.metrics import Float64s, ratio
from nightschool.evaluation.segments import OVERALL

PerUser = Mapping[str, Mapping[int | None, Float64s]]
Totals = Mapping[str, Mapping[int | None, float]]
Figures = tuple[Float64s, Interval]

_ERROR_METRICS = ("rmse", "mae")


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
        """Keep the errors of the users whose bool[n_users] is set."""
        kept = users[self.users]
        return Errors(self.users[kept], self.pairs[kept], self.squared[kept], self.absolute[kept])

    def figures(self) -> Figures:
        """Compute rmse and mae over pairs, float64[2], and their intervals with users as the sampling units."""
        return self.means(), self.intervals()

    def means(self) -> Float64s:
        """Compute rmse and mae over pairs, float64[2]."""
        sums, pairs = self._sums()
        return _root_of_first(ratio(sums.sum(axis=0), pairs.sum(axis=0)))

    def intervals(self) -> Interval:
        """Compute the intervals of rmse and mae, with users as the sampling units."""
        low, high = ratio_intervals(*self._sums())
        return Interval(_root_of_first(low), _root_of_first(high))

    def _sums(self) -> tuple[Float64s, Float64s]:
        """Return each user's sums of errors and numbers of pairs, both float64[n, 2]."""
        return np.stack([self.squared, self.absolute], axis=1), np.stack([self.pairs, self.pairs], axis=1)


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The measured quality of one recommender's lists on one split.

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
        """Return a metric's value for each user, float64[n].

        Raises:
            NotFound: The metric was not measured at that k.
        """
        if k not in self.per_user.get(metric, {}):
            measured = sorted(f"{name}@{at}" for name, cutoffs in self.per_user.items() for at in cutoffs)
            do = f"choose one of {', '.join(measured)}"
            raise NotFound("the metric was not measured", seen=f"{metric}@{k}", do=do)
        return self.per_user[metric][k]

    def measures(self, metric: str, k: int | None = None) -> bool:
        """Tell whether a metric was measured at that k, of users, of all lists or of predicted ratings."""
        rated = self.errors is not None and metric in _ERROR_METRICS
        return k in self.per_user.get(metric, {}) or k in self.totals.get(metric, {}) or rated

    def mean(self, metric: str, k: int | None = None) -> float:
        """Return a metric's mean over users, of `rmse` and `mae` over pairs; a total as it is; NaN without users."""
        if k in self.totals.get(metric, {}):
            return self.totals[metric][k]
        if metric in _ERROR_METRICS and self.errors is not None:
            return float(self.errors.means()[_ERROR_METRICS.index(metric)])
        sums, weights = known_values(self.values(metric, k))
        return float(ratio(sums.sum(axis=0), weights.sum(axis=0)))

    def interval(self, metric: str, k: int | None = None) -> tuple[float, float]:
        """Return the 95 % interval of a mean, lower and upper end; NaN for fewer than two users, and for a total."""
        if k in self.totals.get(metric, {}):
            return float("nan"), float("nan")
        if metric in _ERROR_METRICS and self.errors is not None:
            ends, place = self.errors.intervals(), _ERROR_METRICS.index(metric)
        else:
            ends, place = mean_intervals(self.values(metric, k)[:, None]), 0
        return float(ends.low[place]), float(ends.high[place])

    def table(self, model: str, split: str, segments: Mapping[str, Mask]) -> pl.DataFrame:
        """Build rows of the metrics table, without a release: each segment's means and intervals, and the totals.

        Args:
            model: Name for the column `model`.
            split: Name for the column `split`.
            segments: Segment name to bool[n_users] by user index; one without evaluated users has no rows.
        """
        parts = [self._segment_rows(name, members) for name, members in segments.items()]
        parts.append(self._total_rows())
        named = pl.concat(parts).with_columns(pl.lit(model).alias(MODEL), pl.lit(split).alias(SPLIT))
        floats = [VALUE, CI_LOW, CI_HIGH]
        return named.with_columns(pl.col(floats).fill_nan(None)).select(
            pl.col(n).cast(d) for n, d in FIGURE_ROWS.items()
        )

    def _segment_rows(self, segment: str, members: Mask) -> pl.DataFrame:
        rows = members[self.users]
        keys = [(metric, k) for metric, cutoffs in self.per_user.items() for k in cutoffs]
        values = np.stack([self.per_user[metric][k][rows] for metric, k in keys]).T  # columns lie together in memory
        counts = (~np.isnan(values)).sum(axis=0)
        parts = [_rows(segment, keys, _mean_figures(values), counts).filter(pl.col(N_USERS) > 0)]
        errors = self.errors.select(members) if self.errors is not None else None
        if errors is not None and len(errors.users):
            pairs_keys = [(metric, None) for metric in _ERROR_METRICS]
            parts.append(_rows(segment, pairs_keys, errors.figures(), np.full(2, len(errors.users))))
        return pl.concat(parts)

    def _total_rows(self) -> pl.DataFrame:
        keys = [(metric, k) for metric, cutoffs in self.totals.items() for k in cutoffs]
        values = np.array([self.totals[metric][k] for metric, k in keys])
        unknown = np.full(len(keys), np.nan)
        return _rows(OVERALL, keys, (values, Interval(unknown, unknown)), np.full(len(keys), self.n_users))


def _mean_figures(values: Float64s) -> Figures:
    sums, weights = known_values(values)
    return ratio(sums.sum(axis=0), weights.sum(axis=0)), ratio_intervals(sums, weights)


def _root_of_first(figures: Float64s) -> Float64s:
    """Take the root of the mean squared error, the first of the two; an interval's end below zero counts as zero."""
    return np.array([np.sqrt(np.maximum(figures[0], 0.0)), figures[1]])


def _rows(
    segment: str, keys: Sequence[tuple[str, int | None]], figures: Figures, counts: NDArray[np.int64]
) -> pl.DataFrame:
    values, ends = figures
    return pl.DataFrame(
        {
            SEGMENT: pl.repeat(segment, len(keys), eager=True, dtype=pl.String),
            METRIC: pl.Series([metric for metric, _ in keys], dtype=pl.String),
            K: pl.Series([k for _, k in keys], dtype=pl.Int32),
            VALUE: values,
            CI_LOW: ends.low,
            CI_HIGH: ends.high,
            N_USERS: pl.Series(counts, dtype=pl.Int64),
        }
    )
