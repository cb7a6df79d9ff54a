"""The manifest: one TOML file that says everything particular to a dataset."""

from collections.abc import Mapping
from functools import cached_property
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from nightschool.columns import INTERACTIONS, ITEMS, USERS
from nightschool.data.manifest.collisions import OF_EVENTS, refuse_collisions
from nightschool.data.manifest.event_weights import EVENT_WEIGHTS
from nightschool.data.manifest.sections import (
    Encoder,
    Interactions,
    Listed,
    Origins,
    Quantity,
    Sourced,
    Vectors,
    When,
    distinct,
)
from nightschool.data.manifest.toml_files import checked, parse_toml
from nightschool.data.readers.source_format import Names, Part
from nightschool.errors import ManifestError
from nightschool.item_columns import TEXT_VECTOR, ItemColumns

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]


def _named_flags(value: object) -> object:
    return {"flags": value} if isinstance(value, list) else value


def _one_or_several(value: object) -> object:
    return (value,) if isinstance(value, Mapping) else value


class Items(Sourced):
    """Files of the catalogue, and which columns describe an item."""

    id: str
    title: str | None = None
    text: Names = Field(default=(), description="Columns whose words describe the item.")
    categories: Names = Field(default=(), description="Columns with one label an item.")
    ordinals: Mapping[str, Names] = Field(default={}, description="Column to its levels, lowest first.")
    flags: Annotated[Mapping[str, Names], BeforeValidator(_named_flags)] = Field(
        default={}, description="Name of a list to the 0/1 columns that make it; a bare array makes the list `flags`."
    )
    lists: Mapping[str, str] = Field(default={}, description="Column to its separator; empty where values are lists.")
    numbers: Mapping[str, Quantity] = Field(default={}, description="Column to how a number is found in its text.")
    vectors: Vectors = Field(
        default={},
        description="Columns of lists of numbers that say what an item is like, such as an image's; or name to a .npy "
        "file, whose rows belong to the ids in the file of the same name that ends in .ids.",
    )
    text_encoder: Encoder | None = Field(default=None, description="What makes vectors of the items' texts.")
    prerequisites: Listed | None = Field(default=None, description="Column of the ids of the items to complete before.")
    skills: Listed | None = Field(default=None, description="Column of the skills that an item builds.")
    available: When | None = Field(default=None, description="Since when an item can be recommended.")
    until: When | None = Field(default=None, description="From when on an item can no longer be recommended.")
    complete: bool = Field(default=True, description="Whether a file lists all items: what it lacks is withdrawn.")

    @property
    def source_columns(self) -> Names:
        """The columns that are read from the files."""
        time = tuple(name for when in (self.available, self.until) if when for name in when.source_columns)
        flags = (column for columns in self.flags.values() for column in columns)
        vectors = (name for name, file in self.vectors.items() if not file)
        described = (*self.text, *self.categories, *self.ordinals, *self.list_columns, *self.numbers, *flags, *vectors)
        return distinct(*(name for name in (self.id, self.title, *time) if name), *described)

    @property
    def list_columns(self) -> Mapping[str, str]:
        """Columns of several values to their separators; that of `lists` comes first."""
        named = {each.column: each.separator for each in (self.prerequisites, self.skills) if each}
        return {**named, **self.lists}

    @model_validator(mode="after")
    def _columns_do_not_collide(self) -> Self:
        columns = (*self.categories, *self.ordinals, *self.flags, *self.list_columns, *self.numbers, *self.vectors)
        refuse_collisions(columns, {**ITEMS.columns, TEXT_VECTOR: None})
        return self

    @model_validator(mode="after")
    def _encoder_has_texts(self) -> Self:
        if self.text_encoder and not self.text:
            raise ValueError("text_encoder needs the columns of the texts that it reads; add text or take it out")
        return self

    @model_validator(mode="after")
    def _origins_need_no_map(self) -> Self:
        for name, when in (("available", self.available), ("until", self.until)):
            if when and isinstance(when.origin, Origins) and when.origin.map:
                raise ValueError(f"{name}.origin has no map: name its dates by a column of the items")
        return self


class Users(Sourced):
    """Files of the users, and which columns describe them."""

    id: str
    attributes: Names = Field(default=(), description="Columns with one label a user; the first is the audience.")
    labels: Mapping[str, Mapping[str, str]] = Field(default={}, description="Attribute to its codes and their labels.")
    lists: Mapping[str, str] = Field(default={}, description="Column to its separator; empty where values are lists.")
    numbers: Mapping[str, Quantity] = Field(default={}, description="Column to how a number is found in its text.")
    complete: bool = Field(default=True, description="Whether a file lists all users: those it lacks have left.")

    @property
    def source_columns(self) -> Names:
        """The columns that are read from the files."""
        return distinct(self.id, *self.attributes, *self.lists, *self.numbers)

    @model_validator(mode="after")
    def _columns_do_not_collide(self) -> Self:
        refuse_collisions((*self.attributes, *self.lists, *self.numbers), USERS.columns)
        if strange := sorted({*self.labels} - {*self.attributes}):
            raise ValueError(f"labels name attributes, and {strange} are not among them; add them to attributes")
        return self


class Relevant(Part):
    """Which held-out pairs count as hits."""

    rating_min: float = Field(allow_inf_nan=False)


class Catalogue(Part):
    """Items alone, which any manifest can attach: `catalogue = NAME` is replaced by these [items]."""

    name: Name
    items: Items


class Manifest(Part):
    """All that is particular to one dataset."""

    name: Name
    score: Literal["rating", "engagement", "events", "implicit"]
    relevant: Relevant | None = Field(default=None, description="Default: every held-out pair.")
    history: bool = Field(default=False, description="Whether the files are a log of the past.")
    arrival: Literal["modified", "read"] = Field(
        default="modified", description="When a file's rows arrived: as it was last written, or as a night read it."
    )
    fold_case: bool = Field(default=False, description="Whether user ids that differ by case alone are one user.")
    text_ids: tuple[Literal["user", "item"], ...] = Field(
        default=(), description="Ids that are text, even if nearly all are whole numbers."
    )
    event_weights: Mapping[str, float] = Field(default={}, description="Added to the defaults, or overriding them.")
    bots: Names = Field(default=(), description="Event types by which bots are suspected; none: no user is.")
    interactions: Annotated[tuple[Interactions, ...], BeforeValidator(_one_or_several)] = Field(
        min_length=1, description="One table, or several where the files differ in form."
    )
    items: Items | None = None
    users: Users | None = None
    test: Interactions | None = Field(default=None, description="A hold-out that is never ingested.")

    @cached_property
    def weights(self) -> Mapping[str, float]:
        """Event type to the weight of one such event."""
        return {**EVENT_WEIGHTS, **self.event_weights}

    def folded(self, user_id: str) -> str:
        """Return a user's id as the tables hold it: in lower case where case does not count."""
        return user_id.lower() if self.fold_case else user_id

    @cached_property
    def exclusions(self) -> Mapping[str, float]:
        """Event type to its negative weight, such as dislike and hide; empty where no column holds events."""
        has_events = any(part.event for part in self.interactions)
        return {event: weight for event, weight in self.weights.items() if has_events and weight < 0}

    @cached_property
    def item_columns(self) -> ItemColumns:
        """Which columns of the items table say what an item is about; lists made of flags included."""
        if self.items is None:
            return ItemColumns()
        items = self.items
        prerequisites, skills = (each.column if each else None for each in (items.prerequisites, items.skills))
        lists = (*items.lists, *items.flags)
        return ItemColumns(items.categories, items.ordinals, lists, prerequisites, skills, (*items.vectors,))

    @property
    def contexts(self) -> Names:
        """The declared contexts of all interactions, in order; hour and weekday are not among them."""
        return distinct(*(name for part in self.interactions for name in part.context))

    @property
    def timezone(self) -> str:
        """The zone of local times: that of the first timestamp, UTC without one."""
        return next((part.timestamp.timezone for part in self.interactions if part.timestamp), "UTC")

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
    def _contexts_do_not_collide(self) -> Self:
        for part in self.interactions:
            refuse_collisions(part.context, {**INTERACTIONS.columns, **OF_EVENTS})
        return self

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
            raise ValueError("all ratings in [interactions] need one scale; give each the same min and max")
        if self.relevant and not self.score_range:
            raise ValueError("relevant.rating_min needs a rating in [interactions]; add it or take relevant out")
        if self.bots and not any(part.event and part.timestamp for part in self.interactions):
            raise ValueError("bots needs event and timestamp in [interactions]; add them or take bots out")
        return self


_SHIPPED: Final = resources.files("nightschool.data.manifest") / "manifests"
_CATALOGUES: Final = _SHIPPED / "catalogues"


def shipped() -> list[str]:
    """Return the names of the manifests that come with Nightschool."""
    return _names(_SHIPPED)


def catalogues() -> list[str]:
    """Return the names of the catalogues that come with Nightschool, for manifests to attach."""
    return _names(_CATALOGUES)


def load_manifest(name_or_path: str) -> Manifest:
    """Load the manifest that ships under a name, or that of a .toml file, with the items of its catalogue.

    Raises:
        ManifestError: If there is none, it is no TOML or a catalogue, or a key or value in it is not right.
    """
    shelf = _CATALOGUES if name_or_path in catalogues() else _SHIPPED
    document, file = _read(name_or_path, shelf, Path())
    if "items" in document and document.keys() <= Catalogue.model_fields.keys():
        do = f'attach it to a manifest of your own with catalogue = "{name_or_path}"'
        raise ManifestError(f"{file} is a catalogue of items, not a manifest of a dataset", do=do)
    folder = Path(name_or_path).parent
    if "catalogue" in document:
        document = _with_items(document, file, folder)
    return _with_encoder(checked(Manifest, document, file), folder)


def _with_encoder(manifest: Manifest, folder: Path) -> Manifest:
    """Return the manifest with the whole path of its encoder's folder, where that lies in the manifest's folder."""
    items = manifest.items
    if items is None or items.text_encoder is None or not (folder / items.text_encoder.model).is_dir():
        return manifest
    encoder = items.text_encoder.model_copy(update={"model": str((folder / items.text_encoder.model).absolute())})
    return manifest.model_copy(update={"items": items.model_copy(update={"text_encoder": encoder})})


def _with_items(document: Mapping[str, Any], file: str, folder: Path) -> dict[str, Any]:
    """Replace the catalogue that the document names by its items, found from the manifest's folder."""
    named = document["catalogue"]
    if "items" in document or not isinstance(named, str):
        do = "give the name or path of a catalogue, in place of [items]"
        raise ManifestError(f"{file}: catalogue", seen=named, do=do)
    catalogue = checked(Catalogue, *_read(named, _CATALOGUES, folder))
    return {**{key: value for key, value in document.items() if key != "catalogue"}, "items": catalogue.items}


def _read(name: str, shelf: Traversable, folder: Path) -> tuple[dict[str, Any], str]:
    """Read a TOML file of the shelf, or one at a path from the folder; also return what errors call the file."""
    if name in _names(shelf):
        return parse_toml((shelf / f"{name}.toml").read_text(encoding="utf-8"), f"{name}.toml"), f"{name}.toml"
    path = folder / name
    if not path.is_file():
        do = f"give the path of a .toml file or one of {', '.join(_names(shelf))}"
        raise ManifestError("There is no such manifest", seen=name, do=do)
    try:
        return parse_toml(path.read_text(encoding="utf-8"), str(path)), str(path)
    except UnicodeDecodeError as error:
        raise ManifestError(f"{path} is not UTF-8 ({error.reason})", do="save it as UTF-8") from None


def _names(shelf: Traversable) -> list[str]:
    return sorted(entry.name.removesuffix(".toml") for entry in shelf.iterdir() if entry.name.endswith(".toml"))
