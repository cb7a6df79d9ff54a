"""What every off-policy estimate is made from: sums over logged rows by group of users, logged place and other place."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from nightschool.columns import ITEM_ID
from nightschool.evaluation.metrics import Float64s
from nightschool.evaluation.off_policy.examination import ExploredSlots, explored_slots
from nightschool.evaluation.off_policy.logs import CHANCE, EXPLORED, GROUP, LIST_ID, PLACE, REWARD, TARGET, WEIGHT, Logs
from nightschool.evaluation.off_policy.reward_model import RATE, with_rates


@dataclass(frozen=True, eq=False)
class Sums:
    """Sums over logged lists, held against other lists; the first axes, if any, are groups of users.

    Attributes:
        rewards: float64 [..., 2, depth, depth], Σ weight x chance x reward of the items in both lists: chosen or explored,
            the place where they were shown, the place where the other list has them.
        rates: The same of the reward model's rates.
        weights: The same of 1.
        models: float64 [..., depth], Σ chance x rate at each place of the other lists.
        places: float64 [..., depth], Σ chance there: how many of the other lists have that place.
        lists: float64 [...], how many lists.
        explored: float64 [..., depth] both, the explored slots.
    """

    rewards: Float64s
    rates: Float64s
    weights: Float64s
    models: Float64s
    places: Float64s
    lists: Float64s
    explored: ExploredSlots

    @property
    def total(self) -> "Sums":
        """The sums of all groups."""
        return self._of(lambda part: np.asarray(part.sum(axis=0)))

    @property
    def without_each(self) -> "Sums":
        """The sums of all groups but one, for each."""
        return self._of(lambda part: np.asarray(part.sum(axis=0) - part))

    def _of(self, change: Callable[[Float64s], Float64s]) -> "Sums":
        parts = (self.rewards, self.rates, self.weights, self.models, self.places, self.lists)
        return Sums(*map(change, parts), ExploredSlots(*map(change, self.explored)))


def sums_of(logs: Logs, others: pl.DataFrame, rates: pl.DataFrame) -> Sums:
    """Sum over the rows of the logs.

    Args:
        logs: The logged lists.
        others: At which place the other lists have each item, by `places_of`.
        rates: The reward model.
    """
    depth, groups = logs.depth, logs.groups
    others = with_rates(others, rates)
    both = logs.rows.join(others.drop(GROUP), on=[LIST_ID, ITEM_ID])
    kind = both[GROUP].to_numpy() * 2 + both[EXPLORED].to_numpy()
    cells = (kind * depth + both[PLACE].to_numpy()) * depth + both[TARGET].to_numpy()
    weights = both[WEIGHT].to_numpy() * both[CHANCE].to_numpy()
    by_cell = (weights * both[REWARD].to_numpy(), weights * both[RATE].to_numpy(), weights)
    targets = others[GROUP].to_numpy() * depth + others[TARGET].to_numpy()
    chances = others[CHANCE].to_numpy()
    by_target = (chances * others[RATE].to_numpy(), chances)
    return Sums(
        *(_summed(cells, values, (groups, 2, depth, depth)) for values in by_cell),
        *(_summed(targets, values, (groups, depth)) for values in by_target),
        np.bincount(logs.lists[GROUP].to_numpy(), minlength=groups).astype(np.float64),
        explored_slots(logs),
    )


def _summed(cells: NDArray[np.int64], values: Float64s, shape: tuple[int, ...]) -> Float64s:
    return np.bincount(cells, values, int(np.prod(shape))).astype(np.float64).reshape(shape)
