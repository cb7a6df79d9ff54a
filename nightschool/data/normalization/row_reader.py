"""Reading the columns of raw rows one after the other, and noting the first fault of each row."""

import re
from collections.abc import Callable, Mapping
from typing import Final

import polars as pl

from nightschool.columns import (
    DETAIL,
    DURATION,
    INSTANT,
    ITEM_ID,
    REASON,
    ROW,
    SOURCE_ROW,
    USER_ID,
)
from nightschool.data.manifest.manifest import Items, Users
from nightschool.data.manifest.sections import Interactions, Origins, Quantity, Time
from nightschool.data.normalization.ids import are_nested, read_ids
from nightschool.data.normalization.missing import MISSING_LABELS, read_leniently, without_blanks, without_missing
from nightschool.data.normalization.parse_numbers import to_quantities, with_points
from nightschool.data.normalization.parse_values import (
    beyond_calendar,
    to_flags,
    to_instants,
    to_lists,
    to_numbers,
    to_text,
    unclear_times,
)
from nightschool.data.normalization.parse_vectors import to_vectors
from nightschool.data.readers.parsing import RAW
from nightschool.data.readers.source_format import Names

RELEASED: Final = "released"
"""Since when the catalogue says that an item is available; null where it does not say."""

_CODES: Final[Mapping[str, str]] = {USER_ID: "user", ITEM_ID: "item", DURATION: "duration", RELEASED: "available"}


class RowReader:
    """Raw rows on their way into a table: the columns read so far, and the first fault of each row."""

    def __init__(self, rows: pl.DataFrame, part: Interactions | Items | Users) -> None:
        self._rows = rows
        self._raw = rows[RAW].struct.unnest()
        self._reason = rows[REASON]
        self._detail = rows[DETAIL]
        self._part = part
        self.columns: dict[str, pl.Series] = {}

    def absent(self) -> pl.Series:
        """Return a text column without values."""
        return pl.repeat(None, self._rows.height, dtype=pl.String, eager=True)

    def constant(self, value: str) -> pl.Series:
        """Return a text column with one value."""
        return pl.repeat(value, self._rows.height, dtype=pl.String, eager=True)

    def text(self, column: str | None) -> pl.Series:
        """Return a column of the file as text; without values where the manifest names none."""
        return self.absent() if column is None else without_missing(to_text(self._raw[column]), self._part.missing)

    def attribute(self, column: str) -> pl.Series:
        """Return a column of the file as labels, trimmed."""
        text = to_text(self._raw[column])
        # Labels come again and again: most columns show at once that there is nothing to cut off.
        different = text.unique()
        if not without_blanks(different).eq_missing(different).all():
            text = without_blanks(text)
        return without_missing(text, self._part.missing)

    def label(self, column: str | None) -> pl.Series:
        """Return a column as labels, null where a database wrote NULL; all null where the manifest names no column."""
        return self.absent() if column is None else without_missing(self.attribute(column), MISSING_LABELS)

    def numbers(self, text: pl.Series) -> pl.Series:
        """Parse numbers as the file writes them."""
        return to_numbers(text, *self._part.format.number_marks)

    def add(self, name: str, values: pl.Series, given: pl.Series | None = None) -> None:
        """Add a column; a value that was given and could not be read is the fault `bad_<name>`."""
        self.columns[name] = values.alias(name)
        if given is not None:
            self.mark(values.is_null() & given.is_not_null(), f"bad_{_CODES.get(name, name)}", given)

    def add_typed(self, name: str, column: str | None, read: Callable[[pl.Series], pl.Series]) -> pl.Series:
        """Add a column read from text, and return it."""
        values, given = read_leniently(self.text(column), read)
        self.add(name, values, given)
        return values

    def add_id(
        self, name: str, column: str, dtype: pl.DataType, ids: pl.DataFrame | None = None, *, fold_case: bool = False
    ) -> None:
        """Add a column of ids, translated if there is a map; every row must have one."""
        text, what = self.text(column), _CODES[name]
        if ids is not None:
            given = read_ids(text, pl.String()).given
            self.mark(given.is_null(), f"missing_{what}", text)
            text = _translated(given, ids)
            self.mark(text.is_null(), f"unknown_{what}", given)
        read = read_ids(text, dtype, fold_case=fold_case)
        self.mark(are_nested(text), f"bad_{what}", text)
        self.mark(read.given.is_null(), f"missing_{what}", text)
        self.mark(read.mangled, "mangled_id", read.given)
        self.add(name, read.values, read.given)

    def add_time(self, name: str, how: Time | None, ids: pl.DataFrame | None = None) -> None:
        """Add a column of instants; `ids` translates the origin's column, where it has a map."""
        if how is None:
            self.add(name, self.absent().cast(INSTANT))
            return
        origins = self.text(how.origin.column) if isinstance(how.origin, Origins) else None
        if origins is not None and ids is not None:
            origins = _translated(origins, ids)
        raw = self._raw[how.column]
        if raw.dtype.is_temporal() or origins is not None:
            instants, given = to_instants(raw, how, origins), to_text(raw)
        else:
            instants, given = read_leniently(self.text(how.column), lambda text: to_instants(text, how))
            if how.timezone != "UTC":
                # A detail without a reason is a remark on a good row.
                self._detail = given.zip_with(unclear_times(given, how) & self._reason.is_null(), self._detail)
        if how.unit and how.is_count and instants.null_count() > given.null_count():
            self.mark(beyond_calendar(given, how.unit), "wrong_time_unit", given)
        self.add(name, instants, given)

    def add_lists(self, columns: Mapping[str, str]) -> None:
        """Add a column of labels for each separator; values that are lists already are kept as such."""
        for name, separator in columns.items():
            raw = self._raw[name]
            given = raw if raw.dtype.is_nested() else self.label(name)
            self.add(name, to_lists(given, separator), given)

    def add_vectors(self, columns: Names) -> None:
        """Add a column of lists of numbers for each vector; what is none is null, and the item's other values count."""
        for name in columns:
            self.add(name, to_vectors(self._raw[name]))

    def add_quantities(self, columns: Mapping[str, Quantity]) -> None:
        """Add a column for each number in text; text without digits holds none, which is no fault."""
        for name, how in columns.items():
            text = self.text(name)
            plain = with_points(text, *self._part.format.number_marks)
            self.add(name, to_quantities(plain, how), text.set(~text.str.contains(r"\d"), None))

    def add_flags(self, name: str, columns: Names) -> None:
        """Add the list of those 0/1 columns that are set."""
        flags = {}
        for column in columns:
            flags[column], given = read_leniently(self.text(column), to_flags)
            self.mark(flags[column].is_null() & given.is_not_null(), f"bad_{name}", given)
        chosen = [pl.when(pl.col(column)).then(pl.lit(column)) for column in columns]
        self.add(name, pl.DataFrame(flags).select(pl.concat_list(chosen).list.drop_nulls()).to_series())

    def take_out(self, name: str, numbers: tuple[float, ...]) -> pl.Series:
        """Set these numbers in a column to null, and return where they were, bool [n]."""
        if not numbers:
            return pl.repeat(False, self._rows.height, dtype=pl.Boolean, eager=True)
        values = self.columns[name]
        found = values.is_in(list(numbers)).fill_null(value=False)
        self.columns[name] = values.set(found, None)
        return found

    def mark(self, where: pl.Series, code: str, seen: pl.Series | None = None) -> None:
        """Note a fault in those rows that have none yet."""
        where = where & self._reason.is_null()
        if not where.any():
            return
        detail = self.absent() if seen is None else to_text(seen).str.slice(0, 100)
        self._reason = self._reason.set(where, code)
        self._detail = detail.zip_with(where, self._detail)

    def frame(self) -> pl.DataFrame:
        """Return the columns read so far, plus those of `FAULT`."""
        reason = self._reason.alias(REASON)
        if self._holds_header():
            reason = reason.scatter([0], ["header_in_data"])
        return pl.DataFrame(list(self.columns.values())).with_columns(
            self._rows[SOURCE_ROW], reason, self._detail.alias(DETAIL), self._rows[RAW], self._rows[ROW]
        )

    def _holds_header(self) -> bool:
        """Return whether the first row of a file without a header is a header: column names in place of values."""
        if not self._part.format.headless or not self._rows.height or self._rows[SOURCE_ROW][0] != 1:
            return False
        first = {name: str(value) for name, value in self._raw.row(0, named=True).items() if value is not None}
        named = any(first.get(name, "").casefold() == name.casefold() for name in self._part.source_columns)
        wordy = self._reason[0] is not None and not re.search(r"\d", "".join(first.values()))
        return bool(first) and (named or wordy)


def _translated(text: pl.Series, ids: pl.DataFrame) -> pl.Series:
    return text.replace_strict(ids["source"], ids["target"], default=None, return_dtype=pl.String)
