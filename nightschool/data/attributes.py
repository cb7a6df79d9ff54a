"""The attributes of items and users that a manifest declares, as a service may be told them one by one."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import get_close_matches
from math import isfinite
from typing import Any, Final, Literal

import numpy as np
import polars as pl

from nightschool.columns import INSTANT, TEXT, TITLE, UNTIL
from nightschool.data.manifest.manifest import Items, Users
from nightschool.data.normalization.limits import LONGEST_TEXT
from nightschool.data.vectors import VECTOR
from nightschool.errors import ConfigurationError
from nightschool.ids import is_storable

Kind = Literal["text", "label", "level", "labels", "number", "time", "vector"]
Action = Literal["put", "patch", "withdraw"]
"""What is said of an item or user: all that describes it, a part of that, or that it is gone."""

Attributes = Mapping[str, Any]
"""Attributes by name, with values as JSON holds them."""

LONGEST_LABEL: Final = 512
MOST_LABELS: Final = 1_000
MOST_NUMBERS: Final = 10_000
_SHOWN: Final = 100
_MOST_NAMES: Final = 20
_LARGEST: Final = float(np.finfo(np.float32).max)
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0B\x0C\x0E-\x1F\x7F]")
_DTYPES: Final[Mapping[Kind, pl.DataType]] = {
    **dict.fromkeys(("text", "label", "level"), pl.String()),
    "labels": pl.List(pl.String()),
    "number": pl.Float64(),
    "time": INSTANT,
    "vector": VECTOR,
}
_RIGHT: Final[Mapping[Kind, str]] = {
    "text": f"give a text of at most {LONGEST_TEXT:,} characters without control characters",
    "label": f"give a text of at most {LONGEST_LABEL} characters without control characters",
    "labels": f"give a list of at most {MOST_LABELS:,} texts",
    "number": "give a number",
    "time": "give a time with its zone, as in 2026-01-31T18:00:00Z",
    "vector": f"give a list of at most {MOST_NUMBERS:,} numbers, not all of them 0",
}


@dataclass(frozen=True)
class Attribute:
    """An attribute of items or users.

    Attributes:
        name: Its column in the table.
        kind: What its values are.
        levels: The only values that there are; empty where any text may be one.
    """

    name: str
    kind: Kind
    levels: tuple[str, ...] = ()

    @property
    def dtype(self) -> pl.DataType:
        """Return the dtype of its column."""
        return _DTYPES[self.kind]

    def checked(self, value: object) -> Any:
        """Return a value as JSON keeps it; None for none.

        Raises:
            ConfigurationError: It is no value of this attribute; the message names the attribute and what is right.
        """
        found = None if value is None else self._checked(value)
        if value is not None and found is None:
            seen = value[:_SHOWN] if isinstance(value, str) else str(value)[:_SHOWN]
            raise ConfigurationError(f"{self.name} cannot have this value", seen=ascii(seen)[1:-1], do=self._right)
        return found if found not in ("", []) else None

    @property
    def _right(self) -> str:
        if not self.levels:
            return _RIGHT[self.kind]
        names = ", ".join(self.levels[:_MOST_NAMES])
        return f"give a list of {names}" if self.kind == "labels" else f"give one of {names}"

    def _checked(self, value: object) -> Any:
        """Return the value; None where it does not fit."""
        match self.kind:
            case "number":
                return _number(value)
            case "time":
                return _instant(value)
            case "labels":
                return self._labels(value)
            case "vector":
                return _vector(value)
        return self._label(value, LONGEST_TEXT if self.kind == "text" else LONGEST_LABEL)

    def _labels(self, value: object) -> list[str] | None:
        if not isinstance(value, Sequence) or isinstance(value, str) or len(value) > MOST_LABELS:
            return None
        # Prerequisites are ids, which may be numbers.
        texts = [str(each) if type(each) is int else each for each in value]
        labels = [self._label(text, LONGEST_LABEL) for text in texts]
        return None if None in labels else [label for label in labels if label]

    def _label(self, value: object, longest: int) -> str | None:
        if not isinstance(value, str) or len(value) > longest or not is_storable(value) or _CONTROLS.search(value):
            return None
        text = value.strip()
        return text if not self.levels or not text or text in self.levels else None


@dataclass(frozen=True)
class Declared:
    """The attributes that a manifest declares of items or of users.

    Attributes:
        of: `items` or `users`, for messages.
        attributes: By name.
        text_is_title: Whether the title is a text that describes an item.
    """

    of: str
    attributes: Mapping[str, Attribute]
    text_is_title: bool = False

    @classmethod
    def by(cls, part: Items | Users) -> "Declared":
        """Return what a section of a manifest declares."""
        if isinstance(part, Items):
            return cls("items", _of_items(part), part.title in part.text)
        return cls("users", _of_users(part))

    def checked(self, given: Attributes) -> dict[str, Any]:
        """Return attributes as they are kept, None for those that are taken away.

        Raises:
            ConfigurationError: There is no such attribute, or it has no such value; the message names it.
        """
        for name in given:
            if name not in self.attributes:
                near = get_close_matches(name, self.attributes, n=3) or [*self.attributes][:_MOST_NAMES]
                do = (
                    f"use {', '.join(near)}"
                    if near
                    else f"leave it out: the manifest declares no attribute of {self.of}"
                )
                raise ConfigurationError(f"{self.of} have no such attribute", seen=ascii(name[:_SHOWN])[1:-1], do=do)
        return {name: self.attributes[name].checked(value) for name, value in given.items()}

    def changed(self, before: Attributes, action: Action, given: Attributes) -> dict[str, Any]:
        """Return what describes an item or user after something was said of it, as its table holds values.

        A text that was no more than the title follows the title, where the title is such a text.

        Args:
            before: What described it until then, as the table holds it; empty for a new one.
            action: What is said; `withdraw` changes no attribute.
            given: Attributes as `checked` returned them.

        Raises:
            ConfigurationError: The manifest has changed since, and an attribute no longer fits it.
        """
        kept = {name: None if action == "put" else before.get(name) for name in self.attributes}
        said = {name: _as_stored(self.attributes[name], value) for name, value in self.checked(given).items()}
        follows = self.text_is_title and kept[TEXT] in (None, kept[TITLE])
        if follows and TITLE in said and TEXT not in said:
            said[TEXT] = said[TITLE]
        return {**kept, **said}


def _of_items(part: Items) -> dict[str, Attribute]:
    kinds: dict[str, Kind] = {TITLE: "text", TEXT: "text", **dict.fromkeys(part.categories, "label")}
    kinds |= {**dict.fromkeys(part.list_columns, "labels"), **dict.fromkeys(part.numbers, "number"), UNTIL: "time"}
    kinds |= dict.fromkeys(part.vectors, "vector")
    return {
        **{name: Attribute(name, kind) for name, kind in kinds.items()},
        **{name: Attribute(name, "level", levels) for name, levels in part.ordinals.items()},
        **{name: Attribute(name, "labels", columns) for name, columns in part.flags.items()},
    }


def _of_users(part: Users) -> dict[str, Attribute]:
    kinds: dict[str, Kind] = {**dict.fromkeys(part.attributes, "label"), **dict.fromkeys(part.lists, "labels")}
    kinds |= dict.fromkeys(part.numbers, "number")
    levels = {name: (*dict.fromkeys(labels.values()),) for name, labels in part.labels.items()}
    return {
        **{name: Attribute(name, kind) for name, kind in kinds.items()},
        **{name: Attribute(name, "level", known) for name, known in levels.items()},
    }


def _as_stored(attribute: Attribute, value: Any) -> Any:
    if value is None:
        return None
    if attribute.kind == "vector":
        return np.array(value, dtype=np.float32).tolist()
    return datetime.fromisoformat(value) if attribute.kind == "time" else value


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value) if isfinite(value) else None
    except OverflowError:
        return None


def _vector(value: object) -> list[float] | None:
    if not isinstance(value, Sequence) or isinstance(value, str) or len(value) > MOST_NUMBERS:
        return None
    numbers = [_number(each) for each in value]
    given = [number for number in numbers if number is not None and abs(number) <= _LARGEST]
    return given if len(given) == len(numbers) and (any(given) or not given) else None


def _instant(value: object) -> str | None:
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
        return found.astimezone(UTC).isoformat() if found is not None and found.tzinfo else None
    except (ValueError, OverflowError):
        return None
