"""The database of experiments: plans, assignments, exposures and their outcomes."""

import json
import secrets
import tomllib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from math import isclose
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, Self

import polars as pl
import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from nightschool.errors import Busy, ConfigurationError, Conflict, NotFound
from nightschool.experiments.outcomes import outcomes_of, read_reactions
from nightschool.ids import is_storable
from nightschool.shown.exposures import read_exposures
from nightschool.storage.database import reading, write_one_by_one, writing
from nightschool.storage.erasing import erase
from nightschool.storage.tables import EXPERIMENTS, EXPOSURES

Name = Annotated[str, Field(min_length=1, max_length=100)]


class Arm(BaseModel):
    """One variant of an experiment.

    Attributes:
        share: The share of users, between 0 and 1.
        alpha: The weight of collaborative against content scores; None: as published.
        rules: Business rules, in the form of rules.toml; empty: the installation's own.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name
    share: float = Field(gt=0, lt=1)
    alpha: float | None = Field(default=None, ge=0, le=1)
    rules: Mapping[str, Any] = Field(default_factory=dict)


class Plan(BaseModel):
    """The plan of an experiment.

    Attributes:
        arms: The first is the control.
        explore: The rule of that name in every arm: the chance of each slot to show an item at random.
        window_hours: How long after a user's first list a like or complete counts.
        allocation: Whether the shares stay as planned, or follow the results day by day (Thompson sampling).
        floor: The least share of an arm where shares follow the results.
        half_life_days: After how many days a result weighs half in that; None: never.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name
    arms: tuple[Arm, ...] = Field(min_length=2, max_length=20)
    explore: float = Field(default=0.0, ge=0, le=0.2)
    window_hours: float = Field(default=24.0, gt=0, le=24 * 90)
    allocation: Literal["fixed", "thompson"] = "fixed"
    floor: float = Field(default=0.05, gt=0, le=0.5)
    half_life_days: float | None = Field(default=None, gt=0, le=366)

    @field_validator("arms")
    @classmethod
    def _that_make_a_whole(cls, arms: tuple[Arm, ...]) -> tuple[Arm, ...]:
        if len({arm.name for arm in arms}) < len(arms):
            raise ValueError("each arm needs a name of its own")
        if not isclose(sum(arm.share for arm in arms), 1, abs_tol=1e-6):
            raise ValueError("the shares of all arms must sum to 1")
        return arms

    @model_validator(mode="after")
    def _whose_floors_fit(self) -> Self:
        if self.allocation == "thompson" and self.floor * len(self.arms) > 1:
            raise ValueError(f"a floor of at most 1 / {len(self.arms)} leaves each arm its share")
        return self

    @classmethod
    def load(cls, file: Path) -> Self:
        """Load a plan from a TOML file.

        Raises:
            ConfigurationError: The file is missing, no TOML, or no plan.
        """
        try:
            return cls.model_validate(tomllib.loads(file.read_text(encoding="utf-8")))
        except OSError as error:
            what = f"no such file: {error.strerror}"
            raise ConfigurationError(what, seen=str(file), do="give the path of a TOML file") from error
        except ValidationError as error:
            first = error.errors()[0]
            key = ".".join(str(part) for part in first["loc"])
            seen = None if isinstance(first["input"], Mapping | Sequence) else first["input"]
            do = first["msg"].removeprefix("Value error, ")
            raise ConfigurationError(f"{file}: {key}", seen=seen, do=do) from error
        except ValueError as error:
            raise ConfigurationError(f"{file} is not valid TOML: {error}", do="correct the file") from error


class Experiment(Plan):
    """An experiment that runs or has run.

    Attributes:
        salt: Of the hash that assigns users to arms, so that assignments are independent between experiments.
        stopped_at: None while it runs.
        reason: Why it was stopped.
    """

    salt: str
    started_at: datetime
    stopped_at: datetime | None = None
    reason: str = ""

    @property
    def shares(self) -> tuple[float, ...]:
        """Return the share of each arm."""
        return tuple(arm.share for arm in self.arms)

    @property
    def window(self) -> timedelta:
        """Return how long after a user's first list a like or complete counts."""
        return timedelta(hours=self.window_hours)


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
    """The experiments of one installation; one runs at a time."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def start(self, plan: Plan) -> Experiment:
        """Start an experiment.

        Raises:
            Busy: Another one runs.
            Conflict: There was one of that name.
            Unreachable: The database does not answer.
        """
        experiment = Experiment(**plan.model_dump(), salt=secrets.token_hex(16), started_at=datetime.now(UTC))
        with writing(self._engine) as connection:
            write_one_by_one(connection)
            known = _experiments(connection)
            running = next((each.name for each in known if each.stopped_at is None), None)
            if running is not None:
                raise Busy("another experiment runs", seen=running, do="wait, or `nightschool experiment stop`")
            if plan.name in [each.name for each in known]:
                raise Conflict("there was an experiment of that name", seen=plan.name, do="give another name")
            row = experiment.model_dump() | {"arms": [arm.model_dump(mode="json") for arm in plan.arms]}
            connection.execute(sa.insert(EXPERIMENTS).values(row))
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

    def running(self) -> Experiment | None:
        """Return the experiment that runs, or None."""
        return next((each for each in self.all() if each.stopped_at is None), None)

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
            shown), rejected (disliked or hid one).

        Raises:
            NotFound: There is no experiment of that name.
        """
        experiment = self.get(name)
        with reading(self._engine) as connection:
            exposures = read_exposures(connection, name)
            reactions = read_reactions(connection, name, experiment.started_at)
        return outcomes_of(exposures, reactions, experiment.window, now or datetime.now(UTC))

    def forget(self, user_id: str) -> int:
        """Erase the logged exposures of a user and return how many there were."""
        if not is_storable(user_id):
            return 0
        return erase(self._engine, EXPOSURES, EXPOSURES.c.user_id == user_id)


def _experiments(connection: sa.Connection) -> tuple[Experiment, ...]:
    rows = connection.execute(sa.select(EXPERIMENTS).order_by(EXPERIMENTS.c.started_at))
    known = ({name: value for name, value in row._asdict().items() if value is not None} for row in rows)
    return tuple(map(Experiment.model_validate, known))
