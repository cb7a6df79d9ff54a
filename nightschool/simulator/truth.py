"""The true parameters of a latent simulation, and the true probabilities that follow from them."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from nightschool.columns import INSTANT, ITEM_ID, KIND, USER_ID
from nightschool.contract import Float32s, Indices, Mask
from nightschool.errors import DataRefused

_USERS = "user"
_ITEMS = "item"
_ACTIVITY = "activity"
_IS_BOT = "is_bot"
_GROUP = "group"
_EARLY = "early_interests"
_LATE = "late_interests"
_POPULARITY = "popularity"
_PULL = "pull"
_FIT = "fit"
_PLACE = "place"
_HABITS = "device_habits"
_SUITS = "device_suits"
_PERIOD_START = "period_start"
_PERIOD_END = "period_end"


@dataclass(frozen=True, eq=False)
class Truth:
    """What a latent simulation was drawn from.

    An *interest* is one of the topics (domain × subtopic, in the order of the vocabulary) or, after them, one of the
    taste factors. A *group* is a learning style with a seniority: style · 6 + seniority. At the elapsed share e of the
    period (0 at its start, 1 at its end) user u of group g has the interests θ = (1 − e)·early + e·late and chooses

        p(i | u, e) = Σ_k θ_k · pull[i, k] · fit[i, g] / Σ_j pull[j, k] · fit[j, g].

    It is made on device d with p(d | u, i) = habits[u, d] · suits[i, d] / Σ_c habits[u, c] · suits[i, c], so that what
    is chosen on it follows p(i | u, e) · p(d | u, i). Hours and weekdays say how much is learned, not what.
    Bots choose by popularity alone. Users are in the order of their ids 1…n_users, items likewise.

    Attributes:
        activity: A user's share of the interactions, float64 [n_users].
        bots: Which users are bots, bool [n_users].
        groups: Each user's group, int32 [n_users].
        early: Interests when the period starts, float32 [n_users, n_interests], rows sum to 1.
        late: Interests when it ends, likewise.
        popularity: An item's share of the interactions, float64 [n_items].
        pull: How strongly each interest draws to an item, float64 [n_items, n_interests].
        fit: How well an item's type and difficulty suit a group, float64 [n_items, n_groups].
        period_start: The first instant of the period.
        period_end: The instant at which it ends.
        places: How many items of its topic come before an item in the planted order, int32 [n_items]; None in files
            that were written before there was one.
        habits: A user's share of devices, float32 [n_users, n_devices]; None without devices.
        suits: How well an item suits a device, float64 [n_items, n_devices]; likewise.
    """

    activity: NDArray[np.float64]
    bots: Mask
    groups: Indices
    early: Float32s
    late: Float32s
    popularity: NDArray[np.float64]
    pull: NDArray[np.float64]
    fit: NDArray[np.float64]
    period_start: datetime
    period_end: datetime
    places: Indices | None = None
    habits: Float32s | None = None
    suits: NDArray[np.float64] | None = None

    def write(self, path: Path) -> None:
        """Write one parquet table: a row per user (`kind` = user), then a row per item (`kind` = item)."""
        users = pl.DataFrame(
            {
                USER_ID: np.arange(1, len(self.activity) + 1),
                _ACTIVITY: self.activity,
                _IS_BOT: self.bots,
                _GROUP: self.groups,
                _EARLY: self.early,
                _LATE: self.late,
                **({} if self.habits is None else {_HABITS: self.habits}),
            }
        )
        items = pl.DataFrame(
            {
                ITEM_ID: np.arange(1, len(self.popularity) + 1),
                _POPULARITY: self.popularity,
                _PULL: self.pull,
                _FIT: self.fit,
                **({} if self.suits is None else {_SUITS: self.suits}),
            }
        )
        if self.places is not None:
            items = items.with_columns(pl.Series(_PLACE, self.places))
        kinds = [users.select(pl.lit(_USERS).alias(KIND), pl.all()), items.select(pl.lit(_ITEMS).alias(KIND), pl.all())]
        pl.concat(kinds, how="diagonal").with_columns(
            pl.lit(self.period_start, dtype=INSTANT).alias(_PERIOD_START),
            pl.lit(self.period_end, dtype=INSTANT).alias(_PERIOD_END),
        ).write_parquet(path)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read the truth that `write` wrote.

        Raises:
            DataRefused: The file is no such table.
        """
        try:
            return cls._of(pl.read_parquet(path, glob=False, hive_partitioning=False))
        except (pl.exceptions.PolarsError, IndexError) as error:
            do = "give the truth.parquet of a latent simulation"
            raise DataRefused(
                f"{path} does not hold the truth of a simulation", seen=str(error)[:200], do=do
            ) from error

    @classmethod
    def _of(cls, table: pl.DataFrame) -> Self:
        users, items = (table.filter(pl.col(KIND) == kind) for kind in (_USERS, _ITEMS))
        return cls(
            activity=users[_ACTIVITY].to_numpy(),
            bots=users[_IS_BOT].to_numpy(),
            groups=users[_GROUP].to_numpy(),
            early=users[_EARLY].to_numpy(),
            late=users[_LATE].to_numpy(),
            popularity=items[_POPULARITY].to_numpy(),
            pull=items[_PULL].to_numpy(),
            fit=items[_FIT].to_numpy(),
            period_start=table.item(0, _PERIOD_START),
            period_end=table.item(0, _PERIOD_END),
            places=items[_PLACE].to_numpy() if _PLACE in items.columns else None,
            habits=users[_HABITS].to_numpy() if _HABITS in users.columns else None,
            suits=items[_SUITS].to_numpy() if _SUITS in items.columns else None,
        )


def elapsed_share(truth: Truth, instant: datetime) -> float:
    """Return the share of the period that has passed at an instant, 0 at its start and 1 at its end."""
    return (instant - truth.period_start) / (truth.period_end - truth.period_start)


def true_affinity(truth: Truth, user_ids: NDArray[np.int64], elapsed: float) -> Float32s:
    """Return the probability of each item for each user's next engagement, float32 [n_block, n_items].

    Columns are in the order of content_id. The formula is in `Truth`. It is linear in `elapsed`, so the mean over a
    window is the value at the mean elapsed share of its events.
    """
    users = user_ids - 1
    interests = (1.0 - elapsed) * truth.early[users].astype(np.float64) + elapsed * truth.late[users]
    totals = truth.pull.T @ truth.fit
    groups = truth.groups[users]
    probabilities = (interests / totals.T[groups]) @ truth.pull.T
    probabilities *= truth.fit.T[groups]
    probabilities[truth.bots[users]] = truth.popularity
    return probabilities.astype(np.float32)
