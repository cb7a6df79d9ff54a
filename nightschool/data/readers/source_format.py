"""What every format of a source has in common: how its rows are read, counted, recognised and read again."""

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar, Final

import polars as pl
from pydantic import BaseModel, ConfigDict

from nightschool.columns import DETAIL, REASON, ROW, SOURCE_ROW
from nightschool.data.readers.heads import FileStart
from nightschool.data.readers.parsing import RAW, split_jsonl
from nightschool.data.readers.sources import Extent, SourceFile, changed, find_sources, measure
from nightschool.errors import DataRefused

Names = tuple[str, ...]

_BAD_SHARE: Final = 0.1
"""Share of the sampled rows that may be unreadable before a file is taken for something else."""


class Part(BaseModel):
    """A section of the manifest: frozen, and without unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def is_pattern(name: str) -> bool:
    """Return whether polars takes a column's name for a pattern that selects other columns."""
    return name == "*" or (name.startswith("^") and name.endswith("$"))


class SourceFormat(Part):
    """How the rows of a source are written. A new format derives from this or from `TextFormat` and is listed once.

    Attributes:
        kind: What a manifest calls the format.
        from_files: Whether rows come from the files that a manifest names.
        grows: Whether rows can be appended to a source and read from where the last reading ended.
    """

    kind: str
    from_files: ClassVar[bool] = True

    @abstractmethod
    def frames(self, reading: "Reading") -> Iterator[pl.DataFrame]:
        """Yield frames of raw, reason, detail, row for what is new, and set the reading's extent.

        Raises:
            NotFound: The source is gone.
            DataRefused: It is not of this format, lacks a column, or its known part changed.
        """

    @classmethod
    def guess(cls, _start: FileStart) -> "Sample | None":
        """Return the first rows of a file that looks as this format writes one, for `init`; None where it does not.

        Raises:
            DataRefused: The file is of this format, but no manifest can describe it; the message says why.
        """
        return None

    @property
    def grows(self) -> bool:
        """Whether rows can be appended to a source and read from where the last reading ended."""
        return False

    @property
    def headless(self) -> bool:
        """Whether nothing but the manifest names the columns, so that the first row may be a header all the same."""
        return False

    @property
    def number_marks(self) -> tuple[str, str]:
        """The decimal mark of numbers, and the mark between thousands."""
        return ".", ""

    def sources(self, root: Path, patterns: Names) -> list[SourceFile]:
        """Return the files that patterns name below a root.

        Raises:
            NotFound: The root does not exist, or a file is missing.
        """
        return find_sources(root, patterns)

    def is_unchanged(self, file: SourceFile, known: Extent) -> bool:
        """Return whether a file still holds exactly what was read of it.

        Raises:
            NotFound: The file is gone.
            DataRefused: It cannot be decompressed.
        """
        return measure(file) == (known.bytes, known.sha256)

    def lacking(self, _file: SourceFile, _columns: Names) -> Names:
        """Return which of the columns a file does not have; none where that does not show before it is read.

        Raises:
            NotFound: The file is gone.
            DataRefused: Its header cannot be read.
        """
        return ()

    def count_rows(self, _file: SourceFile) -> int:
        """Return how many rows a file holds that cannot be read as the manifest says; 0 where that is unknown."""
        return 0

    def before_torn_line(self, _file: SourceFile, _columns: Names, _known: Extent) -> Extent | None:
        """Return how far a file was read before its last line, if that was cut short then and has gone on since.

        None where it was whole.

        Raises:
            NotFound: The file is gone.
            DataRefused: It cannot be decompressed, or its known part changed.
        """
        return None

    def split_kept(self, lines: pl.Series, _file: SourceFile, needed: Names) -> tuple[pl.Series, pl.DataFrame, str]:
        """Split lines that the quarantine kept because they could not be taken apart.

        Returns:
            Which lines could be tried, bool[n]; frames of raw, reason, detail for those; the reason of the others.

        Raises:
            NotFound: The file's header is needed, and the file is gone.
            DataRefused: The header cannot be read, or lacks a column by now.
        """
        whole = lines.str.contains(r"\S")
        one_line = lines.filter(whole).str.replace_all("\n", " ", literal=True)
        return whole, split_jsonl(one_line, needed), "bad_json"


class WholeFile(SourceFormat):
    """A file that is taken whole: it cannot grow."""

    @abstractmethod
    def rows(self, file: SourceFile, needed: Names) -> Iterator[pl.DataFrame]:
        """Yield frames of raw, reason, detail, row with the needed columns.

        Raises:
            NotFound: The file is gone.
            DataRefused: It is not of this format, or lacks a column.
        """

    def frames(self, reading: "Reading") -> Iterator[pl.DataFrame]:
        """Yield all rows of a new file, and none of a known one."""
        return read_whole(reading, self.rows(reading.file, reading.needed))


@dataclass(frozen=True)
class Sample:
    """The first rows of a file, and how it is written.

    Attributes:
        file: The file.
        format: How it is written.
        rows: The file's own columns; text but for Parquet.
        whole: Whether these are all its rows.
        whys: Why a key of the format was guessed as it was.
        invented: Whether the file does not name its columns.
    """

    file: SourceFile
    format: SourceFormat
    rows: pl.DataFrame
    whole: bool
    whys: Mapping[str, str] = field(default_factory=dict)
    invented: bool = False


class Reading:
    """One pass over what is new in a source file, or in the result of a query.

    Attributes:
        file: The source.
        needed: The columns that are read.
        known: How far it was read before; None for a new one.
        extent: How far it has been read; complete once `batches` has run out.
    """

    def __init__(
        self, file: SourceFile, kind: SourceFormat, columns: Names, known: Extent | None = None, *, offset: int = 0
    ) -> None:
        self.file = file
        self.needed = columns
        self.known = known
        self.extent = known or Extent(0, offset, "", offset=offset)
        self._kind = kind

    def batches(self) -> Iterator[pl.DataFrame]:
        """Yield frames of new rows: source_row, raw (a struct of the file's columns), reason, detail, row.

        `source_row` counts the rows under the file's name from 1, a header and blank lines not counted. `reason` is the
        code of a row that could not be taken apart; `row` is then its text as JSON, and otherwise filled only where the
        raw columns do not hold everything.

        Raises:
            NotFound: The file is gone, or the database does not answer.
            DataRefused: It cannot be decompressed or decoded, lacks a column, or its known part changed.
            ConfigurationError: The database's address is not known, or is none.
        """
        for frame in self._kind.frames(self):
            first = self.extent.rows + 1
            self.extent = replace(self.extent, rows=self.extent.rows + frame.height)
            yield frame.select(pl.int_range(first, first + pl.len(), dtype=pl.Int64).alias(SOURCE_ROW), pl.all())


def read_whole(reading: Reading, rows: Iterator[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    """Yield all rows of a new file that cannot grow, and none of a known one.

    Raises:
        DataRefused: A known file is another one by now, or a new one changed while it was read.
    """
    file, known = reading.file, reading.known
    n_bytes, sha256 = measure(file)
    if known and sha256 != known.sha256:
        raise changed(file, "files of its kind and encoding are taken whole, and this is another one")
    if not known:
        yield from rows
        if measure(file) != (n_bytes, sha256):
            raise DataRefused(f"{file.name} was written while it was read", do="try again once it is whole")
    reading.extent = replace(reading.extent, bytes=n_bytes, sha256=sha256)


def no_rows(columns: Names) -> pl.DataFrame:
    """Return a frame without rows, as a file without rows gives it."""
    text = pl.String()
    raw = pl.Struct(dict.fromkeys(columns, text))
    return pl.DataFrame(schema={SOURCE_ROW: pl.Int64, RAW: raw, REASON: text, DETAIL: text, ROW: text})


def readable_rows(file: SourceFile, rows: pl.DataFrame, fault: str) -> pl.DataFrame:
    """Return the file's own columns of the sampled rows that could be taken apart.

    Raises:
        DataRefused: There are none, or too many could not.
    """
    bad = rows[REASON].is_not_null()
    if not len(rows) or bad.all():
        raise DataRefused(f"{file.name} holds no rows")
    if (share := bad.sum() / len(rows)) > _BAD_SHARE:
        raise DataRefused(f"{file.name}: {share:.0%} of its lines {fault}")
    return rows.filter(~bad)[RAW].struct.unnest()


def require_columns(
    file: SourceFile,
    columns: Names,
    needed: Names,
    do: str = "check the manifest's column names, separator and header",
) -> None:
    """Raise unless every needed column is among those of the file.

    Raises:
        DataRefused: One is missing.
    """
    if missing := [name for name in needed if name not in columns]:
        raise DataRefused(
            f"{file.name} has no column {', '.join(missing)}",
            seen=f"columns {', '.join(columns[:30])}"[:500],
            do=do,
        )
