"""What came of the days that were played: how good the lists were, and what of the catalogue they showed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nightschool.contract import Indices, Mask
from nightschool.evaluation.metrics import gini

Counts = NDArray[np.int64]

_WEEK = 7
_SEEN = 10
"""Looks after which a new item counts as found."""


@dataclass(frozen=True, eq=False)
class Day:
    """One day.

    Attributes:
        number: From 1.
        lists: How many were served.
        expected: Items that were to be opened from them, by the truth.
        best: Items that were to be opened from the lists that the truth puts first.
        opened: Items that were opened.
        shown: How often each item stood in a list, int64 [n_items].
        looked: How often each was looked at, likewise.
        there: Which items were in the catalogue, bool [n_items].
    """

    number: int
    lists: int
    expected: float
    best: float
    opened: Counts
    shown: Counts
    looked: Counts
    there: Mask

    @property
    def satisfaction(self) -> float:
        """Return the expected items opened as a share of the best lists'."""
        return self.expected / self.best if self.best else 0.0

    def to_dict(self) -> dict[str, Any]:
        """Return the figures of the day for JSON."""
        return {
            "day": self.number,
            "lists": self.lists,
            "opened_per_list": int(self.opened.sum()) / max(self.lists, 1),
            "satisfaction": self.satisfaction,
            "items_shown": int(np.count_nonzero(self.shown)),
            "items": int(np.count_nonzero(self.there)),
        }


@dataclass(frozen=True)
class Played:
    """The figures of all days together.

    Attributes:
        satisfaction: Expected items opened as a share of the best lists'.
        last_week: The same of the last seven days.
        opened_per_list: Items.
        coverage: The share of the catalogue that the lists of the last seven days showed.
        gini: How unequally those lists showed the items that were there, 0 to 1.
        new_found: The share of the new items that people looked at at least ten times.
        new_days: Median days from a found new item's arrival to its tenth look; None where none was found.
        new_opened: How often new items were opened from lists.
    """

    satisfaction: float
    last_week: float
    opened_per_list: float
    coverage: float
    gini: float
    new_found: float
    new_days: float | None
    new_opened: int


def summarise(days: Sequence[Day], arrives: Indices) -> Played:
    """Summarise at least one day; `arrives` is the day of each item's arrival, int32 [n_items], 0: there before."""
    week = days[-_WEEK:]
    shown = np.sum([day.shown for day in week], axis=0)
    there = days[-1].there
    looked = np.cumsum([day.looked for day in days], axis=0)
    new = np.flatnonzero((arrives > 0) & there)
    found = looked[-1, new] >= _SEEN
    when = np.argmax(looked[:, new[found]] >= _SEEN, axis=0) + days[0].number
    waits = when - arrives[new[found]]
    opened = np.sum([day.opened for day in days], axis=0)
    return Played(
        satisfaction=_ratio(days),
        last_week=_ratio(week),
        opened_per_list=float(opened.sum()) / max(sum(day.lists for day in days), 1),
        coverage=float(np.count_nonzero(shown[there])) / max(int(there.sum()), 1),
        gini=gini(shown[there]),
        new_found=float(found.mean()) if len(new) else 0.0,
        new_days=float(np.median(waits)) if len(waits) else None,
        new_opened=int(opened[new].sum()),
    )


def _ratio(days: Sequence[Day]) -> float:
    best = sum(day.best for day in days)
    return sum(day.expected for day in days) / best if best else 0.0
