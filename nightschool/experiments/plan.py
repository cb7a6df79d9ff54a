"""Plans of experiments, and experiments that run or have run."""

import tomllib
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from math import isclose
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from nightschool.errors import ConfigurationError
from nightschool.experiments.metrics import MetricName

HOLDOUT: Final = "holdout"
"""The layer of holdouts, and the arm whose users get no experiments."""

_HOLDOUT_HOURS: Final = 24.0 * 28

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
        metric: The metric that decides.
        effect: The relative change of it that is worth finding.
        before_days: How long before a user's first list their activity is a covariate; 0: no covariates.
        layer: Users are in at most one experiment of a layer, and in each layer independently of the others.
        share: The share of the layer's users that take part.
        scenarios: The scenarios whose lists it changes, "" for lists without one; empty: all lists.
        allocation: Whether the shares stay as planned, or follow the results day by day (Thompson sampling).
        floor: The least share of an arm where shares follow the results.
        half_life_days: After how many days a result weighs half in that; None: never.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name
    arms: tuple[Arm, ...] = Field(min_length=2, max_length=20)
    explore: float = Field(default=0.0, ge=0, le=0.2)
    window_hours: float = Field(default=24.0, gt=0, le=24 * 90)
    metric: MetricName = "conversion"
    effect: float = Field(default=0.1, gt=0, le=10)
    before_days: float = Field(default=14.0, ge=0, le=90)
    layer: Name = "default"
    share: float = Field(default=1.0, gt=0, le=1)
    scenarios: tuple[str, ...] = ()
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
            plan = cls.model_validate(tomllib.loads(file.read_text(encoding="utf-8")))
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
        if plan.layer == HOLDOUT:
            do = "give another name, or `nightschool experiment holdout`"
            raise ConfigurationError("this layer is for holdouts", seen=plan.layer, do=do)
        return plan


class Experiment(Plan):
    """An experiment that runs or has run.

    Attributes:
        ranges: The parts of its layer, between 0 and 1, whose users take part.
        salt: Of the hash that assigns users to arms, so that assignments are independent between experiments.
        stopped_at: None while it runs.
        reason: Why it was stopped.
    """

    salt: str
    ranges: tuple[tuple[float, float], ...] = ((0.0, 1.0),)
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

    @property
    def before(self) -> timedelta:
        """Return how long before a user's first list their activity is a covariate."""
        return timedelta(days=self.before_days)

    @property
    def holds_out(self) -> bool:
        """Return whether this is a holdout: its first arm gets no experiments."""
        return self.layer == HOLDOUT

    def shows_in(self, scenario: str) -> bool:
        """Return whether it changes the lists of a scenario; "" for lists without one."""
        return not self.scenarios or scenario in self.scenarios


def holdout_plan(share: float, taken: Sequence[str]) -> Plan:
    """Return the plan of a holdout: a share of the users as the control, and all others.

    Args:
        share: Of the users who get no experiments.
        taken: Names of other experiments.
    """
    names = ("holdout", *(f"holdout-{number}" for number in range(2, len(taken) + 3)))
    arms = (Arm(name=HOLDOUT, share=share), Arm(name="others", share=1 - share))
    name = next(name for name in names if name not in taken)
    return Plan(name=name, arms=arms, window_hours=_HOLDOUT_HOURS, layer=HOLDOUT)
