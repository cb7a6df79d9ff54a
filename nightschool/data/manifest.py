"""The manifest: one TOML file that says everything particular to a dataset."""

import tomllib
from collections.abc import Mapping
from datetime import date
from functools import cached_property
from importlib import resources
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BeforeValidator, Field, ValidationError, model_validator

from nightschool.columns import ITEM_INDEX, ITEMS, USER_INDEX, USERS
from nightschool.contract import ItemColumns
from nightschool.data.formats import Csv, Format, Names, Part, Pattern
from nightschool.errors import ManifestError

EVENT_WEIGHTS: Final[Mapping[str, float]] = MappingProxyType(
    {"view": 1.0, "click": 5.0, "enroll": 10.0, "dislike": -5.0, "hide": -10.0}
)
"""What an event of each type is worth unless the manifest says otherwise."""


def _named_flags(value: object) -> object:
    return {"flags": value} if isinstance(value, list) else value


def _one_or_several(value: object) -> object:
    return (value,) if isinstance(value, Mapping) else value


class Rating(Part):
    """The rating's column and its scale, both ends included."""

    column: str
    min: float = Field(allow_inf_nan=False)
    max: float = Field(allow_inf_nan=False)

    @model_validator(mode="after")
    def _scale_has_extent(self) -> Self:
        if self.min >= self.max:
            raise ValueError("min must be below max")
        return self


class Time(Part):
    """A column of instants and how they are written; without a zone they are UTC."""

    column: str
    unit: Literal["s", "ms", "us", "iso", "days"]
    origin: date | None = Field(default=None, description="The day that `days` count from.")

    @model_validator(mode="after")
    def _days_have_an_origin(self) -> Self:
        if (self.unit == "days") != (self.origin is not None):
            raise ValueError('unit "days" needs an origin = "YYYY-MM-DD", and no other unit has one')
        return self


class IdMap(Part):
    """A file that translates the ids of the interactions into the external ids."""

    file: Pattern
    format: Format = Csv()
    source: str = Field(alias="from", description="Column of the ids that the interactions hold.")
    target: str = Field(alias="to", description="Column of the external ids.")


class Interactions(Part):
    """Where the interactions are, and which column is what."""

    files: tuple[Pattern, ...] = Field(min_length=1)
    format: Format = Csv()
    user: str
    item: str
    rating: Rating | None = None
    timestamp: Time | None = None
    event: str | None = None
    duration: str | None = Field(default=None, description="Column of seconds.")
    liked: str | None = None
    event_id: str | None = Field(default=None, description="An event that comes again is a repeat, or a correction.")
    deleted: str | None = Field(default=None, description="Column that says whether the event was taken back.")
    user_map: IdMap | None = None
    item_map: IdMap | None = None

    @property
    def source_columns(self) -> Names:
        """The columns that are read from the files."""
        nested = (part.column for part in (self.rating, self.timestamp) if part)
        named = (self.user, self.item, self.event, self.duration, self.liked, self.event_id, self.deleted)
        return _distinct(*(name for name in named if name), *nested)

    @model_validator(mode="after")
    def _deletions_name_their_event(self) -> Self:
        if self.deleted and not self.event_id:
            raise ValueError("deleted needs an event_id, which says what is taken back")
        return self


class Items(Part):
    """Where the catalogue is, and which columns say what an item is about."""

    files: tuple[Pattern, ...] = Field(min_length=1)
    format: Format = Csv()
    id: str
    title: str | None = None
    text: Names = Field(default=(), description="Columns whose words describe the item.")
    categories: Names = Field(default=(), description="Columns with one label an item.")
    ordinals: Mapping[str, Names] = Field(default={}, description="Column to its levels, lowest first.")
    flags: Annotated[Mapping[str, Names], BeforeValidator(_named_flags)] = Field(
        default={}, description="Name of a list to the 0/1 columns that make it; a bare array makes the list `flags`."
    )
    lists: Mapping[str, str] = Field(default={}, description="Column to its separator; empty where values are lists.")
    available: Time | None = Field(default=None, description="Since when an item can be recommended.")

    @property
    def source_columns(self) -> Names:
        """The columns that are read from the files."""
        single = (self.id, self.title, self.available and self.available.column)
        flags = (column for columns in self.flags.values() for column in columns)
        described = (*self.text, *self.categories, *self.ordinals, *self.lists, *flags)
        return _distinct(*(name for name in single if name), *described)

    @model_validator(mode="after")
    def _columns_do_not_collide(self) -> Self:
        _refuse_collisions((*self.categories, *self.ordinals, *self.flags, *self.lists), ITEMS.columns)
        return self


class Users(Part):
    """Where the users are, and what is known of them."""

    files: tuple[Pattern, ...] = Field(min_length=1)
    format: Format = Csv()
    id: str
    attributes: Names = Field(default=(), description="Columns with one label a user; the first is the audience.")
    lists: Mapping[str, str] = Field(default={}, description="Column to its separator; empty where values are lists.")

    @property
    def source_columns(self) -> Names:
        """The columns that are read from the files."""
        return _distinct(self.id, *self.attributes, *self.lists)

    @model_validator(mode="after")
    def _columns_do_not_collide(self) -> Self:
        _refuse_collisions((*self.attributes, *self.lists), USERS.columns)
        return self


class Relevant(Part):
    """What counts as a hit among the held-out pairs."""

    rating_min: float = Field(allow_inf_nan=False)


class Manifest(Part):
    """Everything particular to one dataset."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    score: Literal["rating", "engagement", "events", "implicit"]
    relevant: Relevant | None = Field(default=None, description="Default: every held-out pair.")
    history: bool = Field(default=False, description="Whether the files are a log of the past.")
    event_weights: Mapping[str, float] = Field(default={}, description="Added to the default weights, or over them.")
    interactions: Annotated[tuple[Interactions, ...], BeforeValidator(_one_or_several)] = Field(
        min_length=1, description="One table, or several where the files differ in form."
    )
    items: Items | None = None
    users: Users | None = None
    test: Interactions | None = Field(default=None, description="A hold-out that is never ingested.")

    @cached_property
    def weights(self) -> Mapping[str, float]:
        """Event type to what one such event is worth."""
        return {**EVENT_WEIGHTS, **self.event_weights}

    @cached_property
    def item_columns(self) -> ItemColumns:
        """Which columns of the items table say what an item is about; lists made of flags included."""
        if self.items is None:
            return ItemColumns()
        return ItemColumns(self.items.categories, self.items.ordinals, (*self.items.lists, *self.items.flags))

    @property
    def audience(self) -> str | None:
        """The users' column that names their audience; None without one."""
        return self.users.attributes[0] if self.users and self.users.attributes else None

    @property
    def score_range(self) -> tuple[float, float] | None:
        """The lowest and highest rating; None where the data hold no ratings."""
        scales = [(part.rating.min, part.rating.max) for part in self.interactions if part.rating]
        return scales[0] if scales else None

    @model_validator(mode="after")
    def _score_has_its_columns(self) -> Self:
        needed = {
            "rating": ("rating",),
            "engagement": ("duration", "liked"),
            "events": ("event",),
            "implicit": (),
        }[self.score]
        for part in self.interactions:
            if needed and not any(getattr(part, name) for name in needed):
                raise ValueError(f"score = {self.score!r} needs {' or '.join(needed)} in [interactions]")
        if len({(part.rating.min, part.rating.max) for part in self.interactions if part.rating}) > 1:
            raise ValueError("all ratings in [interactions] need one scale: the same min and max")
        if self.relevant and not self.score_range:
            raise ValueError("relevant.rating_min needs a rating in [interactions]")
        return self


def _distinct(*names: str) -> Names:
    return tuple(dict.fromkeys(names))


def _refuse_collisions(names: Names, fixed: Mapping[str, Any]) -> None:
    """Raises where two columns, or a column and one that every table has, would bear the same name."""
    taken = {*fixed, USER_INDEX, ITEM_INDEX}
    repeated = {name for name in names if names.count(name) > 1}
    if clash := sorted(repeated | (taken & {*names})):
        raise ValueError(f"columns {clash} collide with the table's own or with each other; rename them at the source")


def shipped() -> list[str]:
    """Names of the manifests that come with Nightschool."""
    folder = resources.files("nightschool.data") / "manifests"
    return sorted(entry.name.removesuffix(".toml") for entry in folder.iterdir() if entry.name.endswith(".toml"))


def load_manifest(name_or_path: str) -> Manifest:
    """The manifest that ships under a name, or the one in a .toml file.

    Raises:
        ManifestError: If there is none, it is no TOML, or a key or value in it is not right.
    """
    if name_or_path in shipped():
        text = (resources.files("nightschool.data") / "manifests" / f"{name_or_path}.toml").read_text(encoding="utf-8")
        return _parse(text, f"{name_or_path}.toml")
    path = Path(name_or_path)
    if not path.is_file():
        do = f"give the path of a .toml file or one of {', '.join(shipped())}"
        raise ManifestError("there is no such manifest", seen=name_or_path, do=do)
    try:
        return _parse(path.read_text(encoding="utf-8"), str(path))
    except UnicodeDecodeError as error:
        raise ManifestError(f"{path} is not UTF-8 ({error.reason})", do="save it as UTF-8") from None


def _parse(text: str, file: str) -> Manifest:
    try:
        return Manifest.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise ManifestError(f"{file} is no TOML: {error}", do="correct it there") from None
    except ValidationError as error:
        raise _explained(error, file) from None


_TO_DO: Final = {
    "extra_forbidden": "no such key; remove it or correct its name",
    "missing": "the key is missing; add it",
    "union_tag_not_found": 'say its kind, such as kind = "csv"',
}


def _explained(error: ValidationError, file: str) -> ManifestError:
    first, *others = error.errors()
    # The place of the first or only [interactions] would only puzzle where there is one.
    place = [part for at, part in enumerate(first["loc"]) if (at, part) != (1, 0)]
    key = ".".join(str(part) for part in place) or "the manifest"
    do = _TO_DO.get(first["type"], first["msg"].removeprefix("Value error, "))
    if first["type"] == "union_tag_invalid":
        do = f"kind {first['ctx']['tag']!r} is not known; give one of {first['ctx']['expected_tags']}"
    more = f" (and {len(others)} more)" if others else ""
    # A mapping is the whole section around the fault: naming it again would only bury the key.
    seen = None if isinstance(first["input"], Mapping) else first["input"]
    return ManifestError(f"{file}: {key}", seen=seen, do=do + more)
