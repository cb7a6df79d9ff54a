"""The database of experiments: plans, assignments, exposures and their outcomes."""

import json
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import polars as pl
import sqlalchemy as sa

from nightschool.errors import Conflict, NotFound
from nightschool.experiments.activity import read_events, with_after, with_before
from nightschool.experiments.layers import free_ranges, require_independent
from nightschool.experiments.metrics import EVENTS, HITS, REJECTED
from nightschool.experiments.outcomes import outcomes_of, read_reactions
from nightschool.experiments.plan import Experiment, Plan, holdout_plan
from nightschool.ids import is_storable
from nightschool.shown.exposures import exposed_users, read_exposures
from nightschool.storage.database import reading, write_one_by_one, writing
from nightschool.storage.erasing import erase
from nightschool.storage.tables import EXPERIMENTS, EXPOSURES


class Shown(NamedTuple):
    """An item of a list, and the probability with which it came to its place."""

    item_id: str
    propensity: float


class Exposure(NamedTuple):
    """A list that a user of an experiment was shown."""

    experiment: str
    user_id: str
    arm: str
    release_id: str
    at: datetime
    items: Sequence[Shown]


class Experiments:
    """The experiments of one installation."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def start(self, plan: Plan) -> Experiment:
        """Start an experiment.

        Raises:
            Busy: Its layer has not enough users left.
            Conflict: There was one of that name, or one of another layer sets the same thing.
            Unreachable: The database does not answer.
        """
        with writing(self._engine) as connection:
            write_one_by_one(connection)
            known = _experiments(connection)
            if plan.name in [each.name for each in known]:
                raise Conflict("there was an experiment of that name", seen=plan.name, do="give another name")
            running = [each for each in known if each.stopped_at is None]
            require_independent(plan, running)
            experiment = Experiment(
                **plan.model_dump(),
                salt=secrets.token_hex(16),
                ranges=free_ranges(plan, running),
                started_at=datetime.now(UTC),
            )
            connection.execute(sa.insert(EXPERIMENTS).values(_row(experiment)))
        return experiment

    def stop(self, name: str, reason: str = "") -> Experiment:
        """Stop an experiment; it makes no more exposures, and users who were exposed still count.

        Raises:
            NotFound: No experiment of that name runs.
            Unreachable: The database does not answer.
        """
        runs = (EXPERIMENTS.c.name == name) & EXPERIMENTS.c.stopped_at.is_(None)
        now = datetime.now(UTC)
        with writing(self._engine) as connection:
            ended = sa.update(EXPERIMENTS).where(runs).values(stopped_at=now, reason=reason)
            if not connection.execute(ended).rowcount:
                do = "see `nightschool experiment status`"
                raise NotFound("no experiment of that name runs", seen=name, do=do)
        return self.get(name)

    def hold_out(self, share: float) -> Experiment:
        """Keep a share of the users out of all experiments, in place of a holdout that runs; 0 ends that one.

        Raises:
            NotFound: The share is 0, and there is no holdout.
            Unreachable: The database does not answer.
        """
        held = next((each for each in self.running() if each.holds_out), None)
        if held is not None:
            held = self.stop(held.name, f"ended for a holdout of {share:.1%}" if share else "ended")
        if share:
            return self.start(holdout_plan(share, [each.name for each in self.all()]))
        if held is None:
            raise NotFound("there is no holdout", do="make one with `nightschool experiment holdout 0.05`")
        return held

    def running(self) -> tuple[Experiment, ...]:
        """Return the experiments that run: a holdout, then the others, oldest first."""
        running = (each for each in self.all() if each.stopped_at is None)
        return tuple(sorted(running, key=lambda each: not each.holds_out))

    def get(self, name: str) -> Experiment:
        """Return the experiment of that name.

        Raises:
            NotFound: There is none.
        """
        found = next((each for each in self.all() if each.name == name), None)
        if found is None:
            raise NotFound("there is no experiment of that name", seen=name, do="see `nightschool experiment status`")
        return found

    def all(self) -> tuple[Experiment, ...]:
        """Return every experiment, oldest first."""
        with reading(self._engine) as connection:
            return _experiments(connection)

    def log_exposures(self, exposures: Sequence[Exposure]) -> None:
        """Store exposures; they are on the disk when it returns.

        Raises:
            Unreachable: The database does not answer.
        """
        rows = [
            {**exposure._asdict(), "items": json.dumps([shown._asdict() for shown in exposure.items])}
            for exposure in exposures
        ]
        if rows:
            with writing(self._engine) as connection:
                connection.execute(sa.insert(EXPOSURES), rows)

    def outcomes(self, name: str, now: datetime | None = None) -> pl.DataFrame:
        """Compute the outcome of each exposed user, in the order of first exposures.

        A user counts once, in the arm of the first list. Only reactions to an item after it was shown, and within the
        window after the first list, count.

        Args:
            name: The experiment's name.
            now: The time of the analysis; None: now.

        Returns:
            user_id, arm, first_shown_at, settled (the window is over), converted (liked or completed an item that was
            shown), rejected (disliked or hid one), hits, lists, events (views, likes and completions of any item in the
            window), and of the days before: hits_before, events_before, rejected_before.

        Raises:
            NotFound: There is no experiment of that name.
        """
        experiment = self.get(name)
        with reading(self._engine) as connection:
            exposures = read_exposures(connection, name)
            reactions = read_reactions(connection, name, experiment.started_at)
            events = read_events(connection, exposed_users(connection, name), experiment.started_at - experiment.before)
        outcomes = outcomes_of(exposures, reactions, experiment.window, now or datetime.now(UTC))
        outcomes = with_after(outcomes, events, (EVENTS,), experiment.window)
        return with_before(outcomes, events, (HITS, EVENTS, REJECTED), experiment.before)

    def forget(self, user_id: str) -> int:
        """Erase the exposures of a user and return how many there were."""
        if not is_storable(user_id):
            return 0
        return erase(self._engine, EXPOSURES, EXPOSURES.c.user_id == user_id)


def _experiments(connection: sa.Connection) -> tuple[Experiment, ...]:
    rows = connection.execute(sa.select(EXPERIMENTS).order_by(EXPERIMENTS.c.started_at))
    return tuple(_experiment(row._asdict()) for row in rows)


def _row(experiment: Experiment) -> dict[str, Any]:
    arms = [arm.model_dump(mode="json") for arm in experiment.arms]
    return {**experiment.model_dump(), "arms": arms}


def _experiment(row: dict[str, Any]) -> Experiment:
    """Return an experiment of the database; one from before there were layers runs on lists without a scenario."""
    if row["layer"] is None:
        row["scenarios"] = [""]
    return Experiment.model_validate({name: value for name, value in row.items() if value is not None})
