"""Off-policy estimates of lists, and of the difference between two, with what they rest on."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from nightschool.columns import ITEM_ID, LIST_ID, USER_ID
from nightschool.evaluation.metrics import Float64s
from nightschool.evaluation.off_policy.estimators import DEFAULT, ESTIMATORS, examination_weights
from nightschool.evaluation.off_policy.examination import ExploredSlots, examination, explored_slots
from nightschool.evaluation.off_policy.jackknife import jackknife
from nightschool.evaluation.off_policy.logs import CHANCE, EXPLORED, GROUP, TARGET, WEIGHT, Logs, places_of
from nightschool.evaluation.off_policy.reward_model import item_rates, with_rates
from nightschool.evaluation.off_policy.sums import Sums, sums_of
from nightschool.shown_table import PLACE

_ROW: Final = "row"
_SAME_PLACE: Final = ("ips", "snips", "dr")


@dataclass(frozen=True)
class Estimate:
    """An estimate with its 95 % interval, users as the sampling units.

    Attributes:
        value: Reactions per list, or the difference of two.
        ci_low: Lower end; NaN where there are fewer than two users.
        ci_high: Upper end.
        n_lists: Logged lists.
        n_users: Their users.
        ess: Effective sample size, (Σ w)² / Σ w² of the rows that tell (Kish 1965, "Survey sampling"); for a
            difference, w is by how much the weights of the two lists differ.
        support: The share of what the lists show that the logged policy could show, 1 but for chance; for a difference,
            the smaller of both.
        clipped: The share of logged rows whose weight was clipped.
    """

    value: float
    ci_low: float
    ci_high: float
    n_lists: int
    n_users: int
    ess: float
    support: float
    clipped: float


@dataclass(frozen=True, eq=False)
class OtherLists:
    """Lists, as far as logged ones tell about them.

    Attributes:
        logs: The logged lists.
        examined: float64 [depth], the examination of each place.
        sums: What the estimates are made from.
        rows: The logged rows that hold their items: row (its number), place, target, explored, weight.
    """

    logs: Logs
    examined: Float64s
    sums: Sums
    rows: pl.DataFrame

    def weights(self, estimator: str) -> Float64s:
        """Return the weight of each logged row under an estimator, float64 [rows]; 0: it tells nothing."""
        place, target, explored = (self.rows[name].to_numpy() for name in (PLACE, TARGET, EXPLORED))
        if estimator in _SAME_PLACE:
            factor = (place == target).astype(np.float64)
        else:
            factor = examination_weights(self.examined)[explored.astype(np.int64), place, target]
        weights = factor * self.rows[WEIGHT].to_numpy()
        return np.bincount(self.rows[_ROW].to_numpy(), weights, self.logs.rows.height).astype(np.float64)

    def support(self, estimator: str) -> float:
        """Return the share of what the lists show that the logged policy could show."""
        total = self.sums.total
        if estimator in _SAME_PLACE:
            return float(np.einsum("kpp->", total.weights) / max(float(total.places.sum()), 1.0))
        looks = examination_weights(self.examined) * self.examined[:, None] * total.weights
        return float(looks.sum() / max(float((self.examined * total.places).sum()), 1e-9))


class OffPolicy:
    """Logged lists with what is learned from them once: examination and reward model."""

    def __init__(self, logs: Logs, seen: pl.DataFrame | None = None) -> None:
        """Learn from the logs.

        Args:
            logs: The logged lists.
            seen: What users have seen, and since when, by `logs.places_of`.
        """
        self._logs, self._seen = logs, seen
        self._examined = examination(ExploredSlots(*(part.sum(axis=0) for part in explored_slots(logs))))
        self._rates = item_rates(logs, self._examined)

    def lists(self, ranked: pl.DataFrame) -> OtherLists:
        """Hold lists against the logged ones.

        Args:
            ranked: The lists, by `logs.places_of`; every user of the logs has one.
        """
        others = with_rates(places_of(self._logs, ranked, self._seen), self._rates)
        both = self._logs.rows.with_row_index(_ROW).join(others.drop(GROUP), on=[LIST_ID, ITEM_ID])
        rows = both.select(_ROW, PLACE, TARGET, EXPLORED, pl.col(WEIGHT) * pl.col(CHANCE))
        return OtherLists(self._logs, self._examined, sums_of(self._logs, others, both), rows)


def estimate(lists: OtherLists, estimator: str = DEFAULT) -> Estimate:
    """Estimate the reactions per list.

    Args:
        lists: The lists.
        estimator: A name in `ESTIMATORS`.
    """
    formula = ESTIMATORS[estimator]
    total, without = formula(lists.sums.total), formula(lists.sums.without_each)
    return _estimate(lists.logs, total, without, lists.weights(estimator), lists.support(estimator))


def compare_lists(a: OtherLists, b: OtherLists, estimator: str = DEFAULT) -> Estimate:
    """Estimate how many more reactions per list the lists `a` get than the lists `b`, both from the same logs.

    Args:
        a: Some lists.
        b: Others.
        estimator: A name in `ESTIMATORS`.
    """
    formula = ESTIMATORS[estimator]
    total = formula(a.sums.total) - formula(b.sums.total)
    without = formula(a.sums.without_each) - formula(b.sums.without_each)
    differences = np.abs(a.weights(estimator) - b.weights(estimator))
    support = min(a.support(estimator), b.support(estimator))
    return _estimate(a.logs, total, without, differences, support)


def _estimate(logs: Logs, total: Float64s, without: Float64s, weights: Float64s, support: float) -> Estimate:
    value, ends = jackknife(total, without)
    squares = float((weights**2).sum())
    return Estimate(
        value=float(value),
        ci_low=float(ends.low),
        ci_high=float(ends.high),
        n_lists=logs.lists.height,
        n_users=logs.lists[USER_ID].n_unique(),
        ess=float(weights.sum()) ** 2 / squares if squares else 0.0,
        support=support,
        clipped=logs.clipped,
    )
