"""Scenarios: the named placements of a product, each with its own length, rules and models."""

import re
from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field, field_validator

from nightschool.data.manifest.toml_files import checked, parse_toml, read_text
from nightschool.errors import ConfigurationError
from serving.answers import DEFAULT_LENGTH, MOST_ITEMS
from serving.rules import Rules

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")


class Scenario(BaseModel):
    """One placement: where lists are shown, and what is different there."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str = Field(default="", max_length=200, description="What people call it.")
    k: int = Field(
        default=DEFAULT_LENGTH, ge=1, le=MOST_ITEMS, description="How many items, where a request does not say."
    )
    below: tuple[str, ...] = Field(
        default=(), description="Scenarios of the same page whose items it leaves out, for the same user."
    )
    rules: Mapping[str, Any] = Field(
        default={},
        description="Rules that stand over those of `rules.toml`, by their names there; what those hide stays hidden.",
    )

    @field_validator("rules")
    @classmethod
    def _are_rules(cls, rules: Mapping[str, Any]) -> Mapping[str, Any]:
        try:
            Rules().overridden(rules)
        except ConfigurationError as error:
            raise ValueError(str(error)) from error
        return rules


class Scenarios(BaseModel):
    """Every scenario of an installation, by name."""

    model_config = ConfigDict(frozen=True)

    named: Mapping[str, Scenario] = {}

    @field_validator("named")
    @classmethod
    def _fit_together(cls, named: Mapping[str, Scenario]) -> Mapping[str, Scenario]:
        for name, scenario in named.items():
            if not _NAME.fullmatch(name):
                raise ValueError(f"the name {name[:60]!r} may have small letters, digits, - and _, at most 40")
            missing = [other for other in scenario.below if other not in named]
            if missing:
                raise ValueError(f"{name} stands below {missing[0]!r}, which is no scenario of this file")
        try:
            TopologicalSorter({name: scenario.below for name, scenario in named.items()}).prepare()
        except CycleError as error:
            raise ValueError(f"scenarios stand below each other in a circle: {', '.join(error.args[1])}") from error
        return named

    def get(self, name: str) -> Scenario:
        """Return a scenario.

        Raises:
            ConfigurationError: There is none of that name.
        """
        found = self.named.get(name)
        if found is None:
            raise self.unknown(name)
        return found

    def unknown(self, name: str) -> ConfigurationError:
        """Return the error that says that there is no scenario of that name."""
        do = f"use one of {', '.join(self.named)}" if self.named else "write scenarios.toml, or leave it out"
        return ConfigurationError("no such scenario", seen=name[:100], do=do)


def load_scenarios(path: Path) -> Scenarios:
    """Read the scenarios from a file; without the file there are none.

    Raises:
        ManifestError: The file is no TOML, or holds no such scenarios.
    """
    if not path.exists():
        return Scenarios()
    return parse_scenarios(read_text(path), str(path))


def parse_scenarios(text: str, file: str) -> Scenarios:
    """Parse the text of a file of scenarios.

    Raises:
        ManifestError: It is no TOML, or holds no such scenarios.
    """
    return checked(Scenarios, {"named": parse_toml(text, file)}, file, text)
