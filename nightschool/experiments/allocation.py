"""Shares of arms that follow the results: set each day for the next one, and kept with what they follow from."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

import numpy as np
import polars as pl
import sqlalchemy as sa

from nightschool.experiments.bandit import Floats, Rewards, discounted, thompson_shares
from nightschool.experiments.plan import Experiment
from nightschool.experiments.user_days import ARM, CONVERTED, DAY, SETTLED, read_user_days
from nightschool.storage.database import reading, write_one_by_one, writing
from nightschool.storage.tables import ALLOCATIONS


class Allocation(NamedTuple):
    """The shares of the arms on one day.

    Attributes:
        day: The day in UTC.
        shares: Of each arm.
        rewards: The weighed counts that they follow from.
    """

    day: date
    shares: tuple[float, ...]
    rewards: Rewards


class Allocations:
    """The shares of all experiments that change them."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def set_next(self, experiment: Experiment, now: datetime | None = None) -> Allocation:
        """Set the shares of tomorrow from the users' days that are settled; set again, they take their place.

        Args:
            experiment: An experiment with Thompson's allocation.
            now: The time; None: now.

        Raises:
            Unreachable: The database does not answer.
        """
        now = now or datetime.now(UTC)
        names = [arm.name for arm in experiment.arms]
        trials, hits = daily_counts(read_user_days(self._engine, experiment, now), names)
        rewards = discounted(trials, hits, experiment.half_life_days)
        shares: list[float] = thompson_shares(rewards, experiment.floor).tolist()
        found = Allocation(now.date() + timedelta(days=1), tuple(shares), rewards)
        key = {"experiment": experiment.name, "day": found.day.isoformat()}
        row = {**key, "shares": shares, "trials": rewards.trials.tolist(), "hits": rewards.hits.tolist()}
        with writing(self._engine) as connection:
            write_one_by_one(connection)
            same = [ALLOCATIONS.c[name] == value for name, value in key.items()]
            connection.execute(sa.delete(ALLOCATIONS).where(*same))
            connection.execute(sa.insert(ALLOCATIONS).values({**row, "made_at": now}))
        return found

    def of(self, experiment: Experiment) -> Mapping[date, Allocation]:
        """Return the shares that were set for an experiment, by day, the oldest first."""
        rows = sa.select(ALLOCATIONS).where(ALLOCATIONS.c.experiment == experiment.name).order_by(ALLOCATIONS.c.day)
        with reading(self._engine) as connection:
            found = connection.execute(rows).all()
        return {(one := _allocation(row)).day: one for row in found}

    def on_day(self, experiment: Experiment, day: date) -> Experiment:
        """Return the experiment as it assigns users on a day: by that day's shares and by a salt of that day.

        On a day for which none were set, the newest ones before it hold; before any, those of the plan. Arms are drawn
        anew each day, so that what the shares follow from does not depend on who is in an arm.

        Args:
            experiment: One with fixed shares stays as it is.
            day: The day in UTC.
        """
        if experiment.allocation == "fixed":
            return experiment
        shares = shares_on(experiment, self.of(experiment), day)
        arms = [arm.model_copy(update={"share": share}) for arm, share in zip(experiment.arms, shares, strict=True)]
        return experiment.model_copy(update={"arms": tuple(arms), "salt": f"{experiment.salt}:{day}"})


def shares_on(experiment: Experiment, known: Mapping[date, Allocation], day: date) -> tuple[float, ...]:
    """Return the share of each arm on a day: the newest that was set up to it, else the plan's."""
    newest = max((each for each in known if each <= day), default=None)
    return experiment.shares if newest is None else known[newest].shares


def daily_counts(user_days: pl.DataFrame, arms: Sequence[str]) -> tuple[Floats, Floats]:
    """Count settled user-days and conversions by day and arm, two float64 [n_days, n_arms], without gaps between days.

    Args:
        user_days: day, arm, settled, converted.
        arms: Names.
    """
    settled = user_days.filter(SETTLED)
    if settled.is_empty():
        return np.zeros((0, len(arms))), np.zeros((0, len(arms)))
    place = pl.col(ARM).replace_strict([*arms], [*range(len(arms))], return_dtype=pl.Int64, default=None).alias(ARM)
    nth = (pl.col(DAY) - pl.col(DAY).min()).dt.total_days().alias(DAY)
    rows = settled.select(nth, place, CONVERTED).drop_nulls()
    trials = np.zeros((int(rows[DAY].to_numpy().max(initial=0)) + 1, len(arms)))
    hits = np.zeros_like(trials)
    cells = rows[DAY].to_numpy(), rows[ARM].to_numpy()
    np.add.at(trials, cells, 1)
    np.add.at(hits, cells, rows[CONVERTED].to_numpy())
    return trials, hits


def _allocation(row: sa.Row[tuple[object, ...]]) -> Allocation:
    rewards = Rewards(np.array(row.trials), np.array(row.hits))
    return Allocation(date.fromisoformat(row.day), tuple(row.shares), rewards)
