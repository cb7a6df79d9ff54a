"""The smaller sections of a manifest: sources of rows, how single columns are written, and those of interactions."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from nightschool.data.readers.delimited import Csv
from nightschool.data.readers.formats import Format, TableFormat
from nightschool.data.readers.parse_instants import require_format
from nightschool.data.readers.paths import Pattern, below_the_root
from nightschool.data.readers.source_format import Names, Part, is_pattern
from nightschool.data.readers.sources import SourceFile

Quantity = Literal["number", "hours"]
"""How a number is found in text: the one number in it, or a duration in words."""


def _as_words(value: object) -> object:
    """Turn numbers in a list of words into text."""
    return [str(each) if type(each) in (int, float) else each for each in value] if isinstance(value, list) else value


Words = Annotated[Names, BeforeValidator(_as_words)]


class Sourced(Part):
    """A source of rows: files, or the result of a query."""

    files: tuple[Pattern, ...] = Field(default=(), description="Paths, globs and folders; none for a query.")
    format: Format = Csv()
    missing: Words = Field(default=(), description="Further words for a missing value, in titles and labels too.")

    @property
    def source_columns(self) -> Names:
        """The columns that are read from the files."""
        return ()

    def sources(self, root: Path) -> list[SourceFile]:
        """Return the files below a root, or the one query.

        Raises:
            NotFound: The root does not exist, or a file is missing.
        """
        return self.format.sources(root, self.files)

    @model_validator(mode="after")
    def _columns_are_no_patterns(self) -> Self:
        if patterns := [name for name in self.source_columns if is_pattern(name)]:
            raise ValueError(f"columns {patterns} cannot be read under this name; rename them at the source")
        return self

    @model_validator(mode="after")
    def _files_or_query(self) -> Self:
        if not self.format.from_files and self.files:
            raise ValueError(f'kind = "{self.format.kind}" reads a query; take files out')
        if self.format.from_files and not self.files:
            raise ValueError('name at least 1 file, such as files = ["log.csv"]')
        return self


class IdMap(Part):
    """A file that translates one id into another."""

    file: Pattern
    format: TableFormat = Csv()
    source: str = Field(alias="from", description="Column of the ids that the rows hold.")
    target: str = Field(alias="to", description="Column of the ids that replace them.")


class Origins(Part):
    """The days that `days` count from, where they differ from row to row."""

    column: str = Field(description="The column that says which of the dates holds for a row.")
    map: IdMap | None = Field(default=None, description="What to look the column's value up in, where it is no name.")
    dates: Mapping[str, date] = Field(min_length=1, description="Name to its first day.")


class Time(Part):
    """A column of instants and how they are written: in a unit, or in a form of strftime's letters.

    Times without an offset are local times of the zone; those that its clocks show twice or never are read by the
    offset that held before.
    """

    column: str
    unit: Literal["s", "ms", "us", "iso", "days"] | None = None
    format: str | None = Field(default=None, description='Such as "%d.%m.%Y %H:%M".')
    timezone: str = Field(default="UTC", description='Such as "Europe/Berlin".')
    origin: date | Origins | None = Field(default=None, description="The day that `days` count from.")

    @property
    def source_columns(self) -> tuple[str, ...]:
        """The columns that are read from the files."""
        return (self.column, self.origin.column) if isinstance(self.origin, Origins) else (self.column,)

    @property
    def is_count(self) -> bool:
        """Whether the values are numbers."""
        return self.unit not in {None, "iso"}

    @model_validator(mode="after")
    def _unit_or_format(self) -> Self:
        if (self.unit is None) == (self.format is None):
            raise ValueError('give a unit such as "iso" or "s", or a format such as "%d.%m.%Y %H:%M"')
        if self.format:
            require_format(self.format)
        if self.is_count and self.timezone != "UTC":
            raise ValueError("timezone applies to times written as dates, and counts have none; take it out")
        try:
            ZoneInfo(self.timezone)
        except (ValueError, OSError, ZoneInfoNotFoundError):
            raise ValueError('timezone is not known; give one such as "Europe/Berlin"') from None
        return self

    @model_validator(mode="after")
    def _days_have_an_origin(self) -> Self:
        if (self.unit == "days") != (self.origin is not None):
            raise ValueError('unit "days" needs an origin = "YYYY-MM-DD", and no other unit has one')
        return self


def _iso_by_default(value: object) -> object:
    return {"column": value, "unit": "iso"} if isinstance(value, str) else value


When = Annotated[Time, BeforeValidator(_iso_by_default)]
"""A column of instants; a bare name means ISO 8601."""


class Rating(Part):
    """The rating's column and its scale, both ends included."""

    column: str
    min: float = Field(allow_inf_nan=False)
    max: float = Field(allow_inf_nan=False)
    missing: tuple[float, ...] = Field(
        default=(), description="Numbers that mean no rating: the user only interacted with the item."
    )

    @model_validator(mode="after")
    def _scale_has_extent(self) -> Self:
        if self.min >= self.max:
            raise ValueError("min must be below max; give the lowest and the highest rating")
        return self


class Constant(Part):
    """One value for all rows, where each file holds one kind of event."""

    value: str = Field(min_length=1)


class ListColumn(Part):
    """A column that holds several values in a row."""

    column: str
    separator: str = Field(default="", description="Text between the values; empty where they are lists.")


def _with_lists(value: object) -> object:
    return {"column": value} if isinstance(value, str) else value


Listed = Annotated[ListColumn, BeforeValidator(_with_lists)]
"""A column of several values in a row; a bare name means that they are lists."""


def _held_by_columns(value: object) -> object:
    names = [value] if isinstance(value, str) else value
    return (
        dict.fromkeys(names, "") if isinstance(names, list) and all(isinstance(name, str) for name in names) else value
    )


def _npy_or_column(path: str) -> str:
    if path and not below_the_root(path).endswith(".npy"):
        raise ValueError("name a file that ends in .npy; leave it empty where a column holds the vectors")
    return path


Vectors = Annotated[Mapping[str, Annotated[str, AfterValidator(_npy_or_column)]], BeforeValidator(_held_by_columns)]
"""Name of a vector to the .npy file that holds it, empty for a column; a bare name or a list of them: columns."""


class TextEncoder(Part):
    """The sentence encoder that makes vectors of the items' texts."""

    model: str = Field(
        min_length=1, description="Folder of a model of sentence-transformers, absolute or from the manifest's folder."
    )
    allow_download: bool = Field(
        default=False, description="Whether a model that is no folder may be fetched by its name."
    )


def _named_model(value: object) -> object:
    return {"model": value} if isinstance(value, str) else value


Encoder = Annotated[TextEncoder, BeforeValidator(_named_model)]
"""A sentence encoder; a bare text is its folder."""


class Interactions(Sourced):
    """Files of interactions, and the meaning of their columns."""

    user: str
    item: str
    rating: Rating | None = None
    timestamp: Time | None = None
    event: str | Constant | None = None
    duration: str | None = Field(default=None, description="Column of seconds.")
    liked: str | None = None
    event_id: str | None = Field(default=None, description="The same event id again is a repeat or a correction.")
    order: Literal["time", "file"] = Field(default="time", description="file: rows stand in the order of time.")
    position: str | None = Field(
        default=None, description="Column of numbers that order a user's rows without a time, and those of equal times."
    )
    event_id_scope: Literal["dataset", "file"] = Field(
        default="dataset", description='Within what an event id is unique; "file" where each file numbers its own rows.'
    )
    deleted: str | None = Field(default=None, description="Column that says whether the event was undone.")
    context: Names = Field(
        default=(), description="Columns of labels that say where or how, such as the device; time needs none."
    )
    user_map: IdMap | None = None
    item_map: IdMap | None = None

    @property
    def source_columns(self) -> Names:
        """The columns that are read from the files."""
        event = None if isinstance(self.event, Constant) else self.event
        named = (self.user, self.item, event, self.duration, self.liked, self.event_id, self.deleted, self.position)
        rating = self.rating and self.rating.column
        time = self.timestamp.source_columns if self.timestamp else ()
        return distinct(*(name for name in (*named, rating, *time) if name), *self.context)

    @property
    def ordered(self) -> bool:
        """Whether a user's rows without a time are a sequence."""
        return self.order == "file" or self.position is not None

    @model_validator(mode="after")
    def _one_order(self) -> Self:
        if self.order == "file" and self.position:
            raise ValueError('order = "file" and position are two orders; take one of them out')
        return self

    @model_validator(mode="after")
    def _deletions_name_their_event(self) -> Self:
        if self.deleted and not self.event_id:
            raise ValueError("deleted needs an event_id, which identifies the event that was undone; add it")
        if self.event_id_scope == "file" and not self.event_id:
            raise ValueError("event_id_scope needs an event_id; add it or take event_id_scope out")
        return self


def distinct(*names: str) -> Names:
    """Return the names without repeats, in their order."""
    return tuple(dict.fromkeys(names))
