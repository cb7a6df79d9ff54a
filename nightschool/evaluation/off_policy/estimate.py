"""Off-policy estimates of lists, and of the difference between two, with what they rest on."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from nightschool.columns import ITEM_ID, USER_ID
from nightschool.evaluation.metrics import Float64s
from nightschool.evaluation.off_policy.estimators import DEFAULT, ESTIMATORS, examination_weights
from nightschool.evaluation.off_policy.examination import ExploredSlots, examination, explored_slots
from nightschool.evaluation.off_policy.jackknife import jackknife
from nightschool.evaluation.off_policy.logs import CHANCE, EXPLORED, LIST_ID, PLACE, TARGET, WEIGHT, Logs, places_of
from nightschool.evaluation.off_policy.reward_model import item_rates
from nightschool.evaluation.off_policy.sums import Sums, sums_of

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
        ess: Effective sample size: (Σ w)² / Σ w² of the rows that tell (Kish 1965, "Survey sampling"); of a difference
            the weights are those by which the two lists differ.
        support: The share of what the lists would show that the logged policy could show; 1 but for chance. NaN for a
            difference.
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


class OffPolicy:
    """Logged lists with what is learned from them once: examination and reward model."""

    def __init__(self, logs: Logs, seen: pl.DataFrame | None = None) -> None:
        """Learn from the logs.

        Args:
            logs: The logged lists.
            seen: What users have seen, and since when, by `places_of`.
        """
        self.logs, self._seen = logs, seen
        total = ExploredSlots(*(part.sum(axis=0) for part in explored_slots(logs)))
        self.examined = examination(total)
        self._rates = item_rates(logs, self.examined)

    def estimate(self, ranked: pl.DataFrame, estimator: str = DEFAULT) -> Estimate:
        """Estimate the reactions per list.

        Args:
            ranked: The lists, by `places_of`; every user of the logs has one.
            estimator: A name in `ESTIMATORS`.
        """
        others = places_of(self.logs, ranked, self._seen)
        sums = sums_of(self.logs, others, self._rates)
        formula = ESTIMATORS[estimator]
        weighted = self._weighted(others, estimator)
        return self._estimate(
            formula(sums.total), formula(sums.without_each), weighted["w"].to_numpy(), self._support(sums, estimator)
        )

    def compare(self, a: pl.DataFrame, b: pl.DataFrame, estimator: str = DEFAULT) -> Estimate:
        """Estimate how many more reactions per list the lists `a` get than the lists `b`, from the same logs."""
        both = [places_of(self.logs, ranked, self._seen) for ranked in (a, b)]
        sums = [sums_of(self.logs, others, self._rates) for others in both]
        formula = ESTIMATORS[estimator]
        total = formula(sums[0].total) - formula(sums[1].total)
        without = formula(sums[0].without_each) - formula(sums[1].without_each)
        weighted = [self._weighted(others, estimator) for others in both]
        joined = weighted[0].join(weighted[1], on=[LIST_ID, PLACE], how="full", coalesce=True, suffix="_b")
        difference = joined.select(pl.col("w").fill_null(0.0) - pl.col("w_b").fill_null(0.0)).to_series().to_numpy()
        return self._estimate(total, without, np.abs(difference), float("nan"))

    def _estimate(self, total: Float64s, without: Float64s, weights: Float64s, support: float) -> Estimate:
        value, ends = jackknife(total, without)
        squares = float((weights**2).sum())
        return Estimate(
            value=float(value),
            ci_low=float(ends.low),
            ci_high=float(ends.high),
            n_lists=self.logs.lists.height,
            n_users=self.logs.lists[USER_ID].n_unique(),
            ess=float(weights.sum()) ** 2 / squares if squares else 0.0,
            support=support,
            clipped=self.logs.clipped,
        )

    def _weighted(self, others: pl.DataFrame, estimator: str) -> pl.DataFrame:
        """Return the weight that each logged row has for the other lists: list_id, place, w; rows without one are not there."""
        rows = self.logs.rows.join(others.drop("group"), on=[LIST_ID, ITEM_ID])
        place, target, explored = (rows[name].to_numpy() for name in (PLACE, TARGET, EXPLORED))
        if estimator in _SAME_PLACE:
            factor = (place == target).astype(np.float64)
        else:
            factor = examination_weights(self.examined)[explored.astype(np.int64), place, target]
        weights = rows.select(LIST_ID, PLACE, (pl.col(WEIGHT) * pl.col(CHANCE) * pl.Series(factor)).alias("w"))
        return weights.group_by(LIST_ID, PLACE).agg(pl.col("w").sum()).filter(pl.col("w") > 0)

    def _support(self, sums: Sums, estimator: str) -> float:
        total = sums.total
        if estimator in _SAME_PLACE:
            return float(np.einsum("kpp->", total.weights) / max(float(total.places.sum()), 1.0))
        looks = examination_weights(self.examined) * self.examined[:, None] * total.weights
        return float(looks.sum() / max(float((self.examined * total.places).sum()), 1e-9))
