"""What every off-policy estimate is made from: sums over logged rows by group of users and places."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from nightschool.evaluation.metrics import Float64s
from nightschool.evaluation.off_policy.examination import ExploredSlots, explored_slots
from nightschool.evaluation.off_policy.logs import CHANCE, EXPLORED, GROUP, REWARD, TARGET, WEIGHT, Logs
from nightschool.evaluation.off_policy.reward_model import RATE
from nightschool.shown_table import PLACE


@dataclass(frozen=True, eq=False)
class Sums:
    """Sums over logged lists, held against other lists; the first axes, if any, are groups of users.

    Attributes:
        rewards: float64 [..., 2, depth, depth], Σ weight x chance x reward of the items that are in both lists: chosen
            or explored, the place where they were shown, the place where the other list has them.
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
        """The sums of all groups but one, for each; none of a single group."""
        return self._of(lambda part: np.asarray(part.sum(axis=0) - part if len(part) > 1 else part[:0]))

    def _of(self, change: Callable[[Float64s], Float64s]) -> "Sums":
        return Sums(
            rewards=change(self.rewards),
            rates=change(self.rates),
            weights=change(self.weights),
            models=change(self.models),
            places=change(self.places),
            lists=change(self.lists),
            explored=ExploredSlots(*map(change, self.explored)),
        )


def sums_of(logs: Logs, others: pl.DataFrame, both: pl.DataFrame) -> Sums:
    """Sum over the rows of the logs.

    Args:
        logs: The logged lists.
        others: At which place the other lists have each item, by `places_of`, with its rate by the reward model.
        both: The rows of the logs joined with those of the same list and item.
    """
    depth, groups = logs.depth, logs.groups
    kind = both[GROUP].to_numpy() * 2 + both[EXPLORED].to_numpy()
    cells = (kind * depth + both[PLACE].to_numpy()) * depth + both[TARGET].to_numpy()
    weights = both[WEIGHT].to_numpy() * both[CHANCE].to_numpy()
    cube, square = (groups, 2, depth, depth), (groups, depth)
    targets = others[GROUP].to_numpy() * depth + others[TARGET].to_numpy()
    chances = others[CHANCE].to_numpy()
    return Sums(
        rewards=_summed(cells, weights * both[REWARD].to_numpy(), cube),
        rates=_summed(cells, weights * both[RATE].to_numpy(), cube),
        weights=_summed(cells, weights, cube),
        models=_summed(targets, chances * others[RATE].to_numpy(), square),
        places=_summed(targets, chances, square),
        lists=np.bincount(logs.lists[GROUP].to_numpy(), minlength=groups).astype(np.float64),
        explored=explored_slots(logs),
    )


def _summed(cells: NDArray[np.int64], values: Float64s, shape: tuple[int, ...]) -> Float64s:
    return np.bincount(cells, values, int(np.prod(shape))).astype(np.float64).reshape(shape)
