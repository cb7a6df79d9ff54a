"""Business rules of lists: defaults from a file, changed by a request or by an experiment's arm."""

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from nightschool.data.manifest.toml_files import checked, parse_toml, read_text
from nightschool.errors import ConfigurationError
from serving.filter_syntax import parse_syntax


class FatigueSteps(BaseModel):
    """How an item sinks that was shown in vain."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    shown: int = Field(ge=1, le=100, description="Lists that show an item in vain before it sinks one step.")
    factor: float = Field(ge=0, lt=1, description="What a step leaves of its relevance.")
    days: float = Field(default=28.0, gt=0, le=90, description="How long a list counts; after that the item is back.")


class Rules(BaseModel):
    """Rules of what may be shown, boosted and mixed; the defaults leave every list as published."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    exclude: tuple[int | str, ...] = Field(default=(), description="Ids of items that are never shown.")
    exclude_labels: tuple[str, ...] = Field(default=(), description="Categories or labels that are never shown.")
    boost: Mapping[str, float] = Field(
        default={}, description="Category or label to what its items gain, in standard deviations of a user's scores."
    )
    quota: int | None = Field(default=None, ge=1, description="Items of one category that a list may hold.")
    difficulty_steps: int | None = Field(
        default=None,
        ge=0,
        description="Levels that an item may lie above the highest one that the user completed;"
        " the lowest level is always shown.",
    )
    prerequisites: bool = Field(
        default=False,
        description="Whether an item is shown only once all of its declared prerequisites are completed.",
    )
    filter: str | None = Field(
        default=None, description="Only items for which it holds are shown ([filters](filters.md)); empty: all."
    )
    diversity: float = Field(default=0.0, ge=0, le=1, description="λ of maximal marginal relevance.")
    alpha: float | None = Field(
        default=None, ge=0, le=1, description="Collaborative share; empty: as it was published."
    )
    models: tuple[str, ...] = Field(
        default=(), description="Models that rank, of those that the release published; empty: all of the recipe."
    )
    explore: float = Field(
        default=0.0,
        ge=0,
        le=0.5,
        description="The chance of each slot of a list to show an item at random"
        " ([explore new items](../how-to/explore-new-items.md)).",
    )
    fatigue: FatigueSteps | Literal["learned"] | None = Field(
        default=None,
        description="How what was shown in vain sinks: `{ shown = 3, factor = 0.5, days = 14 }` halves an item's"
        " relevance at every three lists that showed it within 14 days without a reaction; `learned`: as what was shown"
        " has taught.",
    )

    @field_validator("filter")
    @classmethod
    def _that_can_be_read(cls, text: str | None) -> str | None:
        if text is not None:
            try:
                parse_syntax(text)
            except ConfigurationError as error:
                raise ValueError(str(error)) from None
        return text

    @cached_property
    def plain(self) -> bool:
        """Return whether the rules leave every list as it was published."""
        return self == _NONE

    @property
    def keep_published(self) -> bool:
        """Return whether the rules leave lists as published until random items and fatigue come in."""
        return self.plain or self.model_copy(update={"explore": 0.0, "fatigue": None}) == _NONE

    def overridden(self, changes: Mapping[str, Any]) -> Self:
        """Return a copy of the rules with some of them changed.

        Raises:
            ConfigurationError: There is no such rule, or a value is out of range.
        """
        try:
            return type(self).model_validate({**self.model_dump(), **changes})
        except ValidationError as error:
            first = error.errors()[0]
            name = ".".join(str(part) for part in first["loc"])
            if first["type"] == "value_error":
                raise ConfigurationError(f"rule {name}", do=first["msg"].removeprefix("Value error, ")) from None
            raise ConfigurationError(
                f"rule {name}: {first['msg']}", seen=first["input"], do=f"use {', '.join(type(self).model_fields)}"
            ) from error

    def narrowed(self, changes: Mapping[str, Any]) -> Self:
        """Return a copy of the rules with some of them changed; what they hide stays hidden.

        Raises:
            ConfigurationError: There is no such rule, or a value is out of range.
        """
        wider = self.overridden(changes)
        both: dict[str, Any] = {
            name: (*getattr(self, name), *getattr(wider, name))
            for name in ("exclude", "exclude_labels")
            if name in changes
        }
        both["prerequisites"] = self.prerequisites or wider.prerequisites
        steps = [each.difficulty_steps for each in (self, wider) if each.difficulty_steps is not None]
        both["difficulty_steps"] = min(steps, default=None)
        if self.filter is not None and changes.get("filter") is not None:
            both["filter"] = f"({self.filter}) and ({wider.filter})"
        return wider.overridden(both)


_NONE = Rules()


def load_rules(path: Path) -> Rules:
    """Read the default rules from a file; without the file, the rules change nothing.

    Raises:
        ManifestError: The file is no TOML, or holds no such rules.
    """
    if not path.exists():
        return Rules()
    return parse_rules(read_text(path), str(path))


def parse_rules(text: str, file: str) -> Rules:
    """Parse the text of a file of rules.

    Raises:
        ManifestError: It is no TOML, or holds no such rules.
    """
    return checked(Rules, parse_toml(text, file), file, text)
