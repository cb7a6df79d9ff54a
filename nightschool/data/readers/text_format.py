"""Formats whose rows are lines of text: blocks of whole lines, appended lines, lines cut short."""

import codecs
from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import replace
from typing import Annotated, Final

import polars as pl
from pydantic import AfterValidator, Field

from nightschool.data.readers.parsing import to_lines
from nightschool.data.readers.source_format import Names, Reading, SourceFormat, read_whole
from nightschool.data.readers.sources import (
    LONGEST_LINE,
    Extent,
    SourceFile,
    changed,
    ended_whole,
    line_blocks,
    measure,
    open_source,
    skip_known,
)
from nightschool.errors import DataRefused, NotFound

_LINE_ENDS: Final = (b"\n", b"\r\n")
_LONGEST_RECORD: Final = 1000
"""Lines after which a quote that stays open counts as a fault, not as a record still to be closed."""


def _known_encoding(name: str) -> str:
    try:
        # Some codecs are no encodings of text, and say so only when they are used.
        "\n".encode(name)
        return codecs.lookup(name).name
    except (LookupError, UnicodeError):
        raise ValueError("give an encoding that Python knows, such as utf-8 or latin-1") from None


Encoding = Annotated[
    str, AfterValidator(_known_encoding), Field(description="Encoding of the file, as Python names it.")
]
"""An encoding of text, by the name that Python's codecs give it."""


class TextFormat(SourceFormat):
    """Lines of text in one encoding, read in blocks and from where the last reading ended.

    Files whose encoding writes a line end in more than one byte are taken whole, and cannot grow.
    """

    @property
    @abstractmethod
    def text_encoding(self) -> str:
        """The encoding of the file."""

    @abstractmethod
    def split(self, lines: pl.Series, columns: Names) -> pl.DataFrame:
        """Split lines into rows: raw (a struct of the columns, as text), reason, detail, row; blank lines hold no row.

        Args:
            lines: Whole lines without their ends.
            columns: All columns of the file, as `columns_of` gives them.
        """

    def columns_of(self, _file: SourceFile, needed: Names) -> Names:
        """Return the columns that a line has, every needed one among them.

        Raises:
            DataRefused: A needed column is missing.
        """
        return needed

    def first_rows(self, _file: SourceFile, lines: pl.Series, _needed: Names) -> pl.Series:
        """Return those of a file's first lines that are rows, after a look at whether they are as the manifest says.

        Raises:
            DataRefused: They are not.
        """
        return lines

    def open_lines(self, _lines: pl.Series) -> int:
        """Return how many of the last lines belong to a record that goes on in the next block."""
        return 0

    @property
    def grows(self) -> bool:
        """Whether rows can be appended to a file and read from where the last reading ended."""
        return not self._is_wide

    @property
    def _is_wide(self) -> bool:
        """Whether a line end is more than one byte, so that bytes do not show where a line ends."""
        return "\n".encode(self.text_encoding) != b"\n"

    def frames(self, reading: Reading) -> Iterator[pl.DataFrame]:
        """Yield frames of raw, reason, detail, row for the lines behind those that are known."""
        rows = self._lines(reading)
        return read_whole(reading, rows) if self._is_wide else rows

    def _lines(self, reading: Reading) -> Iterator[pl.DataFrame]:
        file, known = reading.file, reading.known
        columns = self.columns_of(file, reading.needed)
        with open_source(file) as stream:
            unended = skip_known(stream, file, known) if known else b""
            carried = pl.Series(dtype=pl.String)
            for number, block in enumerate(line_blocks(stream, file, self.text_encoding)):
                if unended and number == 0 and not block.startswith(_LINE_ENDS):
                    raise changed(file, "its last line went on")
                lines = pl.concat([carried, to_lines(block)])
                if known is None and number == 0:
                    lines = self.first_rows(file, lines, reading.needed)
                carried = lines.tail(self._still_open(lines))
                yield self.split(lines.head(len(lines) - len(carried)), columns)
            if len(carried):
                yield self.split(carried, columns)
            reading.extent = replace(reading.extent, bytes=stream.bytes, sha256=stream.sha256)

    def _still_open(self, lines: pl.Series) -> int:
        n_open = self.open_lines(lines)
        too_long = n_open > _LONGEST_RECORD or lines.tail(n_open).str.len_bytes().sum() > LONGEST_LINE
        return 0 if too_long else n_open

    def count_rows(self, file: SourceFile) -> int:
        """Return how many rows a file holds by its lines, a header and blank lines not counted; 0 if it is unreadable.

        A record of several lines counts as several.
        """
        try:
            with open_source(file) as stream:
                blocks = line_blocks(stream, file, self.text_encoding)
                n_lines = sum(int((to_lines(block).str.strip_chars() != "").sum()) for block in blocks)
        except (DataRefused, NotFound):
            return 0
        return max(n_lines - self.header_lines, 0)

    @property
    def header_lines(self) -> int:
        """Number of lines at the start of a file that are no rows."""
        return 0

    def before_torn_line(self, file: SourceFile, columns: Names, known: Extent) -> Extent | None:
        """Return how far a file was read before its last line, if that was cut short then and has gone on since.

        None where it was whole, and for encodings whose line end is not that of ASCII.

        Raises:
            NotFound: The file is gone.
            DataRefused: It cannot be decompressed, or its known part changed, as far as it had to be read to tell.
        """
        if self._is_wide or ended_whole(file, known):
            return None
        with open_source(file) as stream:
            torn = skip_known(stream, file, known)
            following = stream.read(2)
        if not torn or not following or following.startswith(_LINE_ENDS):
            return None
        n_bytes, sha256 = measure(file, known.bytes - len(torn))
        rows = self.split(to_lines(torn.decode(self.text_encoding).encode()), columns)
        return replace(known, bytes=n_bytes, rows=known.rows - rows.height, sha256=sha256)
