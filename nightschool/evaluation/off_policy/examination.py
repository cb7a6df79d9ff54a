"""How likely each place of a list is looked at, from slots that were filled by chance."""

from typing import Final, NamedTuple

import numpy as np
import polars as pl

from nightschool.evaluation.intervals import Interval
from nightschool.evaluation.metrics import Float64s
from nightschool.evaluation.off_policy.jackknife import jackknife
from nightschool.evaluation.off_policy.logs import EXPLORED, GROUP, REWARD, Logs
from nightschool.shown_table import PLACE

_PRIOR: Final = 20.0


class ExploredSlots(NamedTuple):
    """Slots that were filled by chance, by group of users and place, float64 [groups, depth] both.

    Attributes:
        rewards: How many got a reaction.
        slots: How many there were.
    """

    rewards: Float64s
    slots: Float64s


def explored_slots(logs: Logs) -> ExploredSlots:
    """Count the explored slots and their rewards."""
    explored = logs.rows.filter(pl.col(EXPLORED))
    cells = explored[GROUP].to_numpy() * logs.depth + explored[PLACE].to_numpy()
    shape, size = (logs.groups, logs.depth), logs.groups * logs.depth
    rewards = np.bincount(cells, explored[REWARD].to_numpy(), size).astype(np.float64)
    slots = np.bincount(cells, minlength=size).astype(np.float64)
    return ExploredSlots(rewards.reshape(shape), slots.reshape(shape))


def examination(found: ExploredSlots) -> Float64s:
    """Estimate the examination of each place relative to the mean of all, float64 [..., depth].

    Items that are drawn by chance are as good at every place, so that what places get differs by examination alone:
    Joachims, Swaminathan and Schnabel (2017), "Unbiased learning-to-rank with biased feedback". The rate of each place
    is shrunk to the mean of all places by 20 slots.

    Args:
        found: float64 [..., depth] both.
    """
    rewards, slots = found
    mean = (rewards.sum(axis=-1, keepdims=True) + 1e-9) / np.maximum(slots.sum(axis=-1, keepdims=True), 1.0)
    rates = (rewards + _PRIOR * mean) / (slots + _PRIOR)
    return np.asarray(rates / rates.mean(axis=-1, keepdims=True))


def examination_by_place(logs: Logs) -> tuple[Float64s, Interval]:
    """Return the examination of each place relative to the first, float64 [depth], with its 95 % interval."""
    found = explored_slots(logs)

    def relative(of: ExploredSlots) -> Float64s:
        examined = examination(of)
        return np.asarray(examined / examined[..., :1])

    total = ExploredSlots(*(part.sum(axis=0) for part in found))
    without = ExploredSlots(*(part.sum(axis=0) - part for part in found))
    return jackknife(relative(total), relative(without))
