"""Raw rows to rows of the users, items and interactions tables, each with the first fault found in it."""

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

import polars as pl

from nightschool.columns import (
    DELETED,
    DETAIL,
    DURATION,
    EVENT,
    EVENT_ID,
    INSTANT,
    ITEM_ID,
    LIKED,
    RATING,
    REASON,
    ROW,
    SOURCE_ROW,
    TEXT,
    TIMESTAMP,
    TITLE,
    UNTIL,
    USER_ID,
)
from nightschool.data.fields import beyond_calendar, to_flags, to_ids, to_instants, to_lists, to_numbers, to_text
from nightschool.data.formats import Csv, Format, Names
from nightschool.data.manifest import Interactions, Items, Manifest, Users
from nightschool.data.parsing import RAW
from nightschool.data.quantities import to_quantities
from nightschool.data.sections import Constant, Origins, Quantity, Time

RELEASED: Final = "released"
"""Since when the catalogue says that an item is available; null where it does not say."""

FAULT: Final = (SOURCE_ROW, REASON, DETAIL, RAW, ROW)
"""What a normalised frame holds beside the table's own columns."""


class IdTypes(NamedTuple):
    """The dtypes of a home's external ids."""

    user: pl.DataType
    item: pl.DataType


class IdMaps(NamedTuple):
    """How a manifest translates the ids of its interactions: frames of source and target, as text.

    Attributes:
        origin: What the origins of their instants are looked up in.
    """

    user: pl.DataFrame | None = None
    item: pl.DataFrame | None = None
    origin: pl.DataFrame | None = None


def normalise_interactions(
    rows: pl.DataFrame, part: Interactions, manifest: Manifest, types: IdTypes, maps: IdMaps
) -> pl.DataFrame:
    """Rows of the interactions table up to `available_at` and the source, beside the columns of `FAULT`.

    Faults: missing_… where a value has to be, bad_… where it cannot be read, unknown_user and unknown_item where the
    manifest's map of ids lacks one, unknown_event for an event without a weight, header_in_data.
    """
    parsed = _Rows(rows, part.format, part.source_columns)
    parsed.add_id(USER_ID, part.user, types.user, maps.user)
    parsed.add_id(ITEM_ID, part.item, types.item, maps.item)
    parsed.add(EVENT_ID, parsed.text(part.event_id), parsed.text(part.event_id))
    parsed.add_time(TIMESTAMP, part.timestamp, maps.origin)
    event = parsed.constant(part.event.value) if isinstance(part.event, Constant) else parsed.text(part.event)
    parsed.add(EVENT, event)
    parsed.add(DURATION, to_numbers(parsed.text(part.duration)), parsed.text(part.duration))
    parsed.add(LIKED, to_flags(parsed.text(part.liked)), parsed.text(part.liked))
    rating = parsed.text(part.rating.column if part.rating else None)
    parsed.add(RATING, to_numbers(rating), rating)
    parsed.add(DELETED, to_flags(parsed.text(part.deleted)), parsed.text(part.deleted))
    if manifest.score == "rating":
        # A dislike needs no rating: its event says enough.
        unsaid = ~event.is_in(list(manifest.exclusions)).fill_null(value=False)
        parsed.mark(rating.is_null() & unsaid, "missing_rating")
    if manifest.score == "events":
        parsed.mark(event.is_null(), "missing_event")
        parsed.mark(~event.is_in(list(manifest.weights)), "unknown_event", event)
    return parsed.frame()


def normalise_users(rows: pl.DataFrame, part: Users, dtype: pl.DataType) -> pl.DataFrame:
    """Rows of the users table but for `available_at`, beside the columns of `FAULT`.

    A code that has no label, and a number that is not found in a text with digits, are the fault bad_<column>.
    """
    parsed = _Rows(rows, part.format, part.source_columns)
    parsed.add_id(USER_ID, part.id, dtype)
    for name in part.attributes:
        text, labels = parsed.text(name), part.labels.get(name)
        parsed.add(name, text.replace_strict(labels, default=None, return_dtype=pl.String) if labels else text, text)
    for name, separator in part.lists.items():
        parsed.add(name, to_lists(parsed.raw(name), separator), parsed.raw(name))
    parsed.add_quantities(part.numbers)
    return parsed.frame()


def normalise_items(rows: pl.DataFrame, part: Items, dtype: pl.DataType) -> pl.DataFrame:
    """Rows of the items table but for `available_at`, with `released`, `until` where the manifest has it, and `FAULT`.

    `text` is the text columns joined by a blank; an ordinal that is none of its levels is the fault bad_<column>,
    as is a number that is not found in a text with digits.
    """
    parsed = _Rows(rows, part.format, part.source_columns)
    parsed.add_id(ITEM_ID, part.id, dtype)
    parsed.add(TITLE, parsed.text(part.title), parsed.text(part.title))
    texts = pl.DataFrame([parsed.text(name).alias(name) for name in part.text])
    words = texts.select(pl.concat_str(pl.all(), separator=" ", ignore_nulls=True)) if part.text else None
    parsed.add(TEXT, parsed.absent() if words is None else words.to_series())
    for name in part.categories:
        parsed.add(name, parsed.text(name), parsed.text(name))
    for name, levels in part.ordinals.items():
        text = parsed.text(name)
        parsed.add(name, text.set(~text.is_in(list(levels)), None), text)
    for name, separator in part.lists.items():
        parsed.add(name, to_lists(parsed.raw(name), separator), parsed.raw(name))
    for name, columns in part.flags.items():
        parsed.add_flags(name, columns)
    parsed.add_quantities(part.numbers)
    parsed.add_time(RELEASED, part.available)
    if part.until:
        parsed.add_time(UNTIL, part.until)
    return parsed.frame()


_CODES: Final[Mapping[str, str]] = {USER_ID: "user", ITEM_ID: "item", DURATION: "duration", RELEASED: "available"}


class _Rows:
    """Raw rows on their way into a table: the columns read so far, and the first fault of each row."""

    def __init__(self, rows: pl.DataFrame, kind: Format, needed: Names) -> None:
        self._rows = rows
        self._raw = rows[RAW].struct.unnest()
        self._reason = rows[REASON]
        self._detail = rows[DETAIL]
        self._headless = isinstance(kind, Csv) and not kind.header
        self._needed = needed
        self.columns: dict[str, pl.Series] = {}

    def absent(self) -> pl.Series:
        """A text column without values."""
        return pl.repeat(None, self._rows.height, dtype=pl.String, eager=True)

    def constant(self, value: str) -> pl.Series:
        """A text column with one value."""
        return pl.repeat(value, self._rows.height, dtype=pl.String, eager=True)

    def raw(self, column: str) -> pl.Series:
        """The file's own column."""
        return self._raw[column]

    def text(self, column: str | None) -> pl.Series:
        """The file's own column as text; without values where the manifest names none."""
        return self.absent() if column is None else to_text(self._raw[column])

    def add(self, name: str, values: pl.Series, given: pl.Series | None = None) -> None:
        """Adds a column; where a value was given and none was read, that is the fault `bad_<name>`."""
        self.columns[name] = values.alias(name)
        if given is not None:
            self.mark(values.is_null() & given.is_not_null(), f"bad_{_CODES.get(name, name)}", given)

    def add_id(self, name: str, column: str, dtype: pl.DataType, ids: pl.DataFrame | None = None) -> None:
        """Adds a column of ids, translated where there is a map; every row must have one."""
        text, what = self.text(column), _CODES[name]
        self.mark(text.is_null(), f"missing_{what}")
        if ids is not None:
            target = _translated(text, ids)
            self.mark(target.is_null(), f"unknown_{what}", text)
            text = target
        self.add(name, to_ids(text, dtype), text)

    def add_time(self, name: str, how: Time | None, ids: pl.DataFrame | None = None) -> None:
        """Adds a column of instants; `ids` says which origin holds, where the row's own column does not."""
        if how is None:
            self.add(name, self.absent().cast(INSTANT))
            return
        origins = self.text(how.origin.column) if isinstance(how.origin, Origins) else None
        if origins is not None and ids is not None:
            origins = _translated(origins, ids)
        given = to_text(self.raw(how.column))
        instants = to_instants(self.raw(how.column), how, origins)
        if how.unit != "iso" and instants.null_count() > given.null_count():
            self.mark(beyond_calendar(given, how.unit), "wrong_time_unit", given)
        self.add(name, instants, given)

    def add_quantities(self, columns: Mapping[str, Quantity]) -> None:
        """Adds a column for each number in text; text without digits tells none, which is no fault."""
        for name, how in columns.items():
            text = self.text(name)
            self.add(name, to_quantities(text, how), text.set(~text.str.contains(r"\d"), None))

    def add_flags(self, name: str, columns: Names) -> None:
        """Adds the list of those 0/1 columns that are set."""
        flags = {}
        for column in columns:
            text = self.text(column)
            flags[column] = to_flags(text)
            self.mark(flags[column].is_null() & text.is_not_null(), f"bad_{name}", text)
        chosen = [pl.when(pl.col(column)).then(pl.lit(column)) for column in columns]
        self.add(name, pl.DataFrame(flags).select(pl.concat_list(chosen).list.drop_nulls()).to_series())

    def mark(self, where: pl.Series, code: str, seen: pl.Series | None = None) -> None:
        """Notes a fault in those rows that have none yet."""
        where = where & self._reason.is_null()
        if not where.any():
            return
        detail = self.absent() if seen is None else to_text(seen).str.slice(0, 100)
        self._reason = self._reason.set(where, code)
        self._detail = detail.zip_with(where, self._detail)

    def frame(self) -> pl.DataFrame:
        """The columns read, beside those of `FAULT`."""
        reason = self._reason.alias(REASON)
        if self._holds_header():
            reason = reason.scatter([0], ["header_in_data"])
        return pl.DataFrame(list(self.columns.values())).with_columns(
            self._rows[SOURCE_ROW], reason, self._detail.alias(DETAIL), self._rows[RAW], self._rows[ROW]
        )

    def _holds_header(self) -> bool:
        """Whether the first row of a file without a header is one all the same: column names where values belong."""
        if not self._headless or not self._rows.height or self._rows[SOURCE_ROW][0] != 1:
            return False
        first = {name: str(value) for name, value in self._raw.row(0, named=True).items() if value is not None}
        named = any(first.get(name, "").casefold() == name.casefold() for name in self._needed)
        wordy = self._reason[0] is not None and not re.search(r"\d", "".join(first.values()))
        return bool(first) and (named or wordy)


def _translated(text: pl.Series, ids: pl.DataFrame) -> pl.Series:
    return text.replace_strict(ids["source"], ids["target"], default=None, return_dtype=pl.String)
