"""Features of candidates from the calendar: how long items are around, and what is liked when a user is active."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import polars as pl
from numba import njit
from numpy.typing import NDArray
from scipy.sparse import csr_array

from models.reranker.features.base import Candidates, FeatureGroup
from models.reranker.features.item_user import log_lift
from nightschool.columns import ITEM_INDEX, SCORE, TIMESTAMP, USER_INDEX
from nightschool.contract import Dataset, Float32s

_DAY = 86_400_000_000  # microseconds
_MOST_BINS = 256
_NEAR_DAYS = 7.0

Float64s = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Seasons(FeatureGroup):
    """What is liked near the days when a user was active, by exp(−distance / 7 days), and how long items are around.

    Days are counted back from the newest like; where the data have no times, all is NaN.

    Attributes:
        items: float32 [n_items, 3]: age of its first like and of its last, lift of its likes near the newest day.
        users: float32 [n_users, 2]: age of the user's last like, days from the first to the last.
        active: CSR float32 [n_users, n_bins], the share of a user's likes in each stretch of days.
        near: float32 [n_bins, n_items], likes near those days.
        shares: float32 [n_items], the item's share of all likes.
    """

    by_user = ("users", "active")

    items: Float32s
    users: Float32s
    active: csr_array
    near: Float32s
    shares: Float32s

    @classmethod
    def of(cls, dataset: Dataset) -> Self:
        """Measure items and users by the times of likes."""
        items, users, ages = _aged(dataset)
        width = np.ceil((ages.max(initial=0) + 1) / _MOST_BINS)
        bins = (ages // width).astype(np.int64)
        near = _near(bins, items, float(width), dataset.n_items)
        shares = np.bincount(items, minlength=dataset.n_items) / max(len(items), 1)
        trend = log_lift(near[0], near[0].sum() * shares) if len(items) else np.full(dataset.n_items, np.nan)
        first, last = _ends(items, ages, dataset.n_items)
        oldest, newest = _ends(users, ages, dataset.n_users)
        counts = np.bincount(users, minlength=dataset.n_users)
        active = csr_array((1 / counts[users], (users, bins)), shape=(dataset.n_users, len(near)))
        return cls(
            np.stack([first, last, trend], axis=1).astype(np.float32),
            np.stack([newest, oldest - newest], axis=1).astype(np.float32),
            active.astype(np.float32),
            near.astype(np.float32),
            shares.astype(np.float32),
        )

    @property
    def names(self) -> Sequence[str]:
        """Name of each column."""
        of_item = ("age of the item", "days since the item's last like", "trend of the item")
        of_user = ("days since the user's last like", "days of the history")
        return (*of_item, *of_user, "age when the user was last active", "lift in the user's days")

    def columns(self, candidates: Candidates) -> Float32s:
        """Compute the columns, float32 [n_names, n_candidates]."""
        items, users = self.items[candidates.items].T, self.users[candidates.owners].T
        active = self.active[candidates.users]
        observed = np.zeros(len(candidates.items), dtype=np.float32)
        days = active.indptr, active.indices, active.data
        _add_likes(days, self.near, (candidates.starts, candidates.items), observed)
        total = np.repeat(active @ self.near.sum(axis=1), np.diff(candidates.starts))
        season = log_lift(observed, total * self.shares[candidates.items])
        season[total == 0] = np.nan
        return np.concatenate([items, users, [items[0] - users[0]], [season]])


def _aged(dataset: Dataset) -> tuple[NDArray[np.int32], NDArray[np.int32], Float64s]:
    """Return item, user and age in days of each like that has a time."""
    liked = dataset.pairs.filter(pl.col(SCORE) > 0)
    if TIMESTAMP in liked.columns:
        liked = liked.filter(pl.col(TIMESTAMP).is_not_null())
        times = liked[TIMESTAMP].to_physical().to_numpy()
    else:
        liked, times = liked.clear(), np.empty(0, dtype=np.int64)
    ages = (times.max(initial=np.iinfo(np.int64).min) - times) / _DAY
    return liked[ITEM_INDEX].to_numpy(), liked[USER_INDEX].to_numpy(), ages


def _near(bins: NDArray[np.int64], items: NDArray[np.int32], width: float, n_items: int) -> Float64s:
    """Sum each item's likes near each stretch of days, float64 [n_bins, n_items], the newest stretch first."""
    n_bins = int(bins.max(initial=0)) + 1
    counts = np.bincount(bins * n_items + items, minlength=n_bins * n_items).reshape(n_bins, n_items)
    days = np.arange(n_bins) * width
    nearby: Float64s = np.exp(-np.abs(days[:, None] - days) / _NEAR_DAYS) @ counts
    return nearby


def _ends(groups: NDArray[np.int32], ages: Float64s, n: int) -> tuple[Float64s, Float64s]:
    """Return the largest and the smallest age in each group, float64 [n]; NaN of none."""
    oldest, newest = np.full(n, -np.inf), np.full(n, np.inf)
    np.maximum.at(oldest, groups, ages)
    np.minimum.at(newest, groups, ages)
    empty = np.bincount(groups, minlength=n) == 0
    return np.where(empty, np.nan, oldest), np.where(empty, np.nan, newest)


@njit(nogil=True, cache=True)
def _add_likes(active, near, candidates, observed):  # type: ignore[no-untyped-def]  # numba compiles it by argument
    """Add to `observed`, [n_candidates]."""
    bin_starts, bins, shares = active
    starts, items = candidates
    for row in range(len(starts) - 1):
        for place in range(bin_starts[row], bin_starts[row + 1]):
            likes, share = near[bins[place]], shares[place]
            for entry in range(starts[row], starts[row + 1]):
                observed[entry] += share * likes[items[entry]]
