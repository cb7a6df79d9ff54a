"""The configuration of a night: typed, range-checked parameters."""

import logging
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from nightschool.contract import POOL_SIZE
from nightschool.data.filters import Rules
from nightschool.errors import ConfigurationError
from nightschool.recipe import Recipe

logger = logging.getLogger("nightschool.night")

AUTO: Final = "auto"
"""The choice of models that leaves it to the data."""

ON_SPARK: Final = ("popularity", "itemknn", "transitions", "als_spark", "content")
"""The models that Spark fits, in the order in which `auto` tries them there."""

_MOST_MINUTES = 10_000.0
_REPLACED = frozenset({"search_seconds", "search_trials", "rerank_seconds"})

Models = Literal["auto"] | Annotated[tuple[str, ...], Field(min_length=1)]


class Spark(BaseModel):
    """Where Spark is."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    master: str = Field(
        default="",
        description="Spark's master, as local[2] or spark://host:7077; empty: what Spark's own configuration says, "
        "else all cores of this machine.",
    )


class NightConfig(Rules):
    """The parameters of one night; the same object is the form in the Prefect UI and the file behind `--config`."""

    engine: Literal["local", "spark"] = Field(
        default="local",
        description="What computes: this process, or Spark, where the data outgrow one machine. See how-to/use-spark.",
    )
    spark: Spark = Field(default=Spark(), description="Where Spark is; it changes no list.")
    k: int = Field(default=50, ge=1, le=POOL_SIZE, description="How many items a published list holds.")
    cutoffs: tuple[Annotated[int, Field(ge=1, le=POOL_SIZE)], ...] = Field(
        default=(5, 10, 20), description="The k of the metrics; 10, which decides, is always among them."
    )
    seed: int = Field(default=42, ge=0, description="Seed of every random draw.")
    models: Models = Field(
        default=AUTO,
        description="Names of models in the catalogue that are tried; auto: those that suit the data and the minutes.",
    )
    params: Mapping[str, Mapping[str, Any]] = Field(
        default_factory=dict, description='Hyper-parameters that are fixed, such as {"ease": {"l2": 500}}.'
    )
    alpha_steps: int = Field(default=10, ge=1, le=100, description="The sweep tries α = 0, 1/steps, … 1.")
    tune: Literal["weekly", "now"] = Field(
        default="weekly", description="When recipes are searched: once a week, or now."
    )
    minutes: float = Field(
        default=0.5,
        ge=0,
        le=_MOST_MINUTES,
        description="Length of the search for a recipe, on two cores; 0: every model with its defaults, on one cut.",
    )
    max_validation_users: int = Field(
        default=10_000,
        ge=200,
        description="Largest number of validation users; a sample is drawn where there are more.",
    )
    window_days: int = Field(default=28, ge=1, description="Length of validation and of test, in days.")
    min_users: int = Field(default=200, ge=2, description="Smallest number of test users that can show a difference.")
    max_test_share: float = Field(default=0.2, gt=0, lt=0.5, description="Largest share of the rows in the test.")
    coverage_floor: float = Field(default=0.01, ge=0, le=1, description="Smallest share of the catalogue in the lists.")
    fairness: Literal["off", "note", "refuse"] = Field(
        default="note",
        description="What a segment does that a new recipe serves worse than the champion: a note, or no new recipe.",
    )
    fairness_margin: float = Field(
        default=0.0, ge=0, le=1, description="How much of ndcg@10 a segment may lose by a new recipe."
    )
    stabilise: bool = Field(
        default=True, description="Whether lists of users without new events are tied to those of the release before."
    )
    churn_ceiling: float = Field(
        default=1.0, ge=0, le=1, description="Largest share of lists that may change without new events."
    )
    shifts: Literal["note", "refuse"] = Field(
        default="note",
        description="What a figure outside of its limits for a second night does: a note in the report, or no release.",
    )
    keep: int = Field(default=30, ge=1, description="How many releases are kept after a night.")

    @model_validator(mode="before")
    @classmethod
    def _from_keys_of_version_0_2(cls, values: Any) -> Any:
        """Translate what schedules and files of version 0.2 say: a night must not fail over a key that was renamed."""
        if not isinstance(values, Mapping) or not _REPLACED & values.keys():
            return values
        kept = {key: value for key, value in values.items() if key not in _REPLACED}
        logger.warning("%s: use minutes in place of them", ", ".join(sorted(_REPLACED & values.keys())))
        if str(values.get("search_trials")) == "0":
            return {"minutes": 0.0, **kept}
        try:
            return {"minutes": min(max(float(values["search_seconds"]), 0.0) / 60, _MOST_MINUTES), **kept}
        except (KeyError, TypeError, ValueError):
            return kept

    @field_validator("cutoffs")
    @classmethod
    def _with_the_one_that_decides(cls, cutoffs: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(sorted({*cutoffs, 10}))

    @classmethod
    def load(cls, file: Path | None, assignments: Sequence[str]) -> Self:
        """Read the configuration from a TOML file, then apply `key=value` assignments.

        A dotted key whose first part is not a field sets a hyper-parameter: `ease.l2=500`.

        Raises:
            ConfigurationError: The file is missing or an entry is unknown or out of range.
        """
        values: dict[str, Any] = _read_toml(file) if file else {}
        for assignment in assignments:
            _assign(values, assignment, known=set(cls.model_fields))
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            first = error.errors()[0]
            key = ".".join(str(part) for part in first["loc"])
            raise ConfigurationError(
                f"configuration key {key!r}: {first['msg']}", seen=first["input"], do="see `nightschool retrain --help`"
            ) from error

    def can_fit(self, recipe: Recipe) -> bool:
        """Return whether the engine fits every model of a recipe."""
        others = [component for component in recipe.components if component.model not in ON_SPARK]
        return self.engine == "local" or (not others and recipe.reranker is None)

    def deciding(self) -> dict[str, Any]:
        """Return the parameters that decide what a night publishes, as JSON holds them."""
        return self.model_dump(mode="json", exclude={"spark"})

    @property
    def alphas(self) -> tuple[float, ...]:
        """Return the α of the sweep, ascending."""
        return tuple(round(step / self.alpha_steps, 4) for step in range(self.alpha_steps + 1))


def _read_toml(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(
            f"no such configuration file: {error.strerror}", seen=str(file), do="give the path of a TOML file"
        ) from error
    except ValueError as error:
        raise ConfigurationError(f"{file} is not TOML: {error}", do="correct the file") from error


def _assign(values: dict[str, Any], assignment: str, known: set[str]) -> None:
    key, separator, text = assignment.partition("=")
    if not separator or not key:
        raise ConfigurationError("--set takes key=value", seen=assignment, do="write for example --set ease.l2=500")
    path = key.split(".")
    if path[0] not in known:
        if len(path) == 1 and key not in _REPLACED:
            raise ConfigurationError("no such configuration key", seen=key, do=f"use one of {', '.join(sorted(known))}")
        path = path if key in _REPLACED else ["params", *path]
    target = values
    for part in path[:-1]:
        target = target.setdefault(part, {})
        if not isinstance(target, dict):
            raise ConfigurationError(
                f"configuration key {key!r} is below a key that has a value", seen=target, do="set one of the two"
            )
    target[path[-1]] = _parse(text)


def _parse(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
