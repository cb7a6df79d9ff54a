"""Delimited text: fields between separators, a header or none, quotes or none."""

import json
import re
from typing import Final, Literal, Self

import polars as pl
from pydantic import Field, model_validator

from nightschool.columns import DETAIL, REASON
from nightschool.data.readers.parsing import BLANKS, open_lines, split_csv, split_header, to_lines
from nightschool.data.readers.source_format import Names, require_columns
from nightschool.data.readers.sources import SourceFile, line_blocks, open_source
from nightschool.data.readers.text_format import Encoding, TextFormat
from nightschool.errors import DataRefused

_SEPARATORS: Final = (",", ";", "\t", "|")
_QUOTE: Final = '"'


class Csv(TextFormat):
    r"""Lines of fields; a field between double quotes may hold the separator and line ends.

    A line ends with \n or \r\n, mixed as they come; a lone \r belongs to its field. A byte order mark is no data. Files
    in UTF-16 or UTF-32 are taken whole: such a file cannot grow.
    """

    kind: Literal["csv"] = "csv"
    separator: str = Field(default=",", min_length=1, description="One or more characters; several never quote.")
    header: bool = Field(default=True, description="Whether the first line names the columns.")
    columns: Names = Field(default=(), description="The columns' names, where no header does.")
    encoding: Encoding = "utf-8"
    quote: Literal['"', "none"] = Field(default='"', description='"none" where a quote is a letter like others.')

    decimal: Literal[".", ","] = Field(default=".", description="The decimal mark of numbers.")
    thousands: Literal["", ".", ",", " ", "'"] = Field(default="", description="The mark between thousands.")

    @property
    def text_encoding(self) -> str:
        """The encoding of the file."""
        return self.encoding

    @property
    def headless(self) -> bool:
        """Whether nothing but the manifest names the columns."""
        return not self.header

    @property
    def header_lines(self) -> int:
        """Number of lines at the start of a file that are no rows."""
        return int(self.header)

    @property
    def number_marks(self) -> tuple[str, str]:
        """The decimal mark of numbers, and the mark between thousands."""
        return self.decimal, self.thousands

    @property
    def quotes(self) -> bool:
        """Whether fields may stand between double quotes."""
        return self.quote != "none"

    @model_validator(mode="after")
    def _columns_named_once(self) -> Self:
        if self.header == bool(self.columns):
            raise ValueError("give either header = true or header = false with columns")
        if len(set(self.columns)) < len(self.columns):
            raise ValueError("columns names one column twice; give each its own name")
        if self.decimal == self.thousands:
            raise ValueError("decimal and thousands are one mark; give two")
        return self

    def columns_of(self, file: SourceFile, needed: Names) -> Names:
        """Return the file's columns, as its first line or the manifest names them.

        Raises:
            NotFound: The file is gone.
            DataRefused: It cannot be decoded, names a column twice or lacks one.
        """
        return read_header(file, self, needed)

    def lacking(self, file: SourceFile, columns: Names) -> Names:
        """Return which of the columns the header, or the manifest, does not name.

        Raises:
            NotFound: The file is gone.
            DataRefused: It cannot be decoded, or names a column twice.
        """
        named = {name.strip(BLANKS) for name in read_header(file, self, ())} if columns else set()
        return tuple(name for name in columns if name.strip(BLANKS) not in named)

    def first_rows(self, file: SourceFile, lines: pl.Series, _needed: Names) -> pl.Series:
        """Return the lines after the header; without one, all lines, if some have as many fields as there are columns.

        Raises:
            DataRefused: None has.
        """
        if self.header:
            return lines.slice(1)
        require_fields(file, self.split(lines, self.columns), self)
        return lines

    def split(self, lines: pl.Series, columns: Names) -> pl.DataFrame:
        """Split lines at the separator, those between double quotes excepted."""
        return split_csv(lines, columns, self.separator, quotes=self.quotes)

    def open_lines(self, lines: pl.Series) -> int:
        """Return how many of the last lines belong to a record whose closing quote is still to come."""
        return open_lines(lines, self.separator) if self.quotes else 0

    def split_kept(self, lines: pl.Series, file: SourceFile, needed: Names) -> tuple[pl.Series, pl.DataFrame, str]:
        """Split lines that the quarantine kept, by the file's header where the manifest names no columns.

        A line with a lone quote is not tried: it would take the next line into its record.

        Raises:
            NotFound: The file's header is needed, and the file is gone.
            DataRefused: The header cannot be read, or lacks a column by now.
        """
        paired = lines.str.count_matches(_QUOTE, literal=True) % 2 == 0
        whole = lines.str.contains(r"\S") & (paired | (not self.quotes))
        return whole, self.split(lines.filter(whole), self.columns_of(file, needed)), "bad_quoting"


def read_header(file: SourceFile, kind: Csv, needed: Names) -> Names:
    """Return the file's columns, as its first line or the manifest names them; every needed one is among them.

    Blanks around a name do not count, unless the manifest names the column with them. A file without a single byte, or
    of blanks alone, has the needed ones, and no rows.

    Raises:
        NotFound: The file is gone.
        DataRefused: It cannot be decoded, names a column twice or lacks one.
    """
    columns = kind.columns
    if kind.header:
        line = _first_line(file, kind)
        columns = tuple(split_header(line, kind.separator, quotes=kind.quotes)) if line.strip() else needed
        columns = tuple(name if name in needed else _bare(name, columns, needed) for name in columns)
        _require_names(file, columns, needed, line, kind)
        # A line that ends in separators, as spreadsheets write it, has columns without a name.
        columns = tuple(name if name.strip(BLANKS) else f" {place}" for place, name in enumerate(columns))
    if repeated := sorted({name for name in columns if columns.count(name) > 1}):
        raise DataRefused(f"{file.name} names columns twice", seen=repeated, do="give each its own name")
    require_columns(file, columns, needed)
    return columns


def _first_line(file: SourceFile, kind: Csv) -> str:
    with open_source(file) as stream:
        block = next(line_blocks(stream, file, kind.encoding), b"")
    line: str = to_lines(block)[0] if block.strip() else ""
    if "\r" in line.rstrip("\r") and b"\n" not in block:
        do = "write it with line ends of \\n or \\r\\n"
        raise DataRefused(f"{file.name} ends its lines with a carriage return alone", do=do)
    return line


def _require_names(file: SourceFile, columns: Names, needed: Names, line: str, kind: Csv) -> None:
    """Raise if a needed column is missing, quoting the first line unless it may hold personal data."""
    if {*needed} <= {*columns}:
        return
    if line.startswith("sep="):
        require_columns(file, (line,), needed, do="take that first line away, which spreadsheets alone read")
    others = (mark for mark in _SEPARATORS if mark != kind.separator)
    split = {mark: {name.strip(BLANKS) for name in split_header(line, mark, quotes=kind.quotes)} for mark in others}
    if other := next((mark for mark, names in split.items() if {*needed} <= names), None):
        require_columns(file, columns, needed, do=f"say separator = {json.dumps(other)} in its format")
    if any(_is_value(name) for name in columns if name.strip(BLANKS)):
        # Such a line is a row, and may hold personal data.
        raise DataRefused(
            f"{file.name} has no column {', '.join(name for name in needed if name not in columns)}",
            seen=f"{len(columns)} fields, of which some are no names",
            do="check the manifest's column names and separator; where the file names none, say header = false",
        )


def _is_value(name: str) -> bool:
    return "@" in name or not re.search(r"[^\W\d_]", name)


def _bare(name: str, columns: Names, needed: Names) -> str:
    """Trim the name, if that is a needed column and no other has it."""
    bare = name.strip(BLANKS)
    return bare if bare in needed and bare not in columns else name


def require_fields(file: SourceFile, rows: pl.DataFrame, kind: Csv) -> None:
    """Raise unless one of a file's first lines has as many fields as the manifest names columns.

    Raises:
        DataRefused: None has.
    """
    if rows.height and rows[REASON].null_count() == 0:
        raise DataRefused(
            f"no line of {file.name} has the {len(kind.columns)} columns of the manifest",
            seen=rows[DETAIL][0],
            do=f"check the manifest's separator (now {kind.separator!r}) and columns",
        )
