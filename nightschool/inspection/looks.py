"""Inspected files: their format, columns and sampled rows, alone or as a family of similar files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import polars as pl

from nightschool.data.readers.delimited import Csv
from nightschool.data.readers.heads import SAMPLE_ROWS
from nightschool.data.readers.source_format import SourceFormat
from nightschool.data.readers.sources import SourceFile
from nightschool.inspection.folder import families_by_name
from nightschool.inspection.names import Topic, mentions
from nightschool.inspection.profiles import Profile, profile
from nightschool.inspection.samples import take_sample


@dataclass(frozen=True, eq=False)
class Look:
    """One file, looked at.

    Attributes:
        file: The file.
        format: How it is written.
        whys: Why a key of the format was guessed as it was.
        invented: Whether the file does not name its columns.
        columns: Its columns.
        rows: Rows that were seen.
        whole: Whether these are all.
        marks: A hash of each row that was seen, by which rows of two files are compared.
    """

    file: SourceFile
    format: SourceFormat
    whys: Mapping[str, str]
    invented: bool
    columns: tuple[Profile, ...]
    rows: int
    whole: bool
    marks: pl.Series

    def column(self, name: str) -> Profile | None:
        """Return the column of a name, or None if the file has none."""
        return next((column for column in self.columns if column.name == name), None)

    def repeats(self, other: "Look") -> float:
        """Return the share of the rows seen here that were seen in the other file too."""
        return float(self.marks.is_in(other.marks.implode()).sum() / len(self.marks))


def look_at(file: SourceFile) -> Look:
    """Inspect a file's format and columns by its first rows.

    Raises:
        NotFound: It is gone, or cannot be read now.
        DataRefused: It holds no table that a manifest can describe; the message says why.
    """
    sample = take_sample(file)
    columns = tuple(profile(column.name, column) for column in sample.rows.iter_columns())
    marks = sample.rows.head(SAMPLE_ROWS).hash_rows()
    return Look(file, sample.format, sample.whys, sample.invented, columns, sample.rows.height, sample.whole, marks)


@dataclass(frozen=True, eq=False)
class Family:
    """Files of one form whose names differ by numbers only; mostly a single one.

    Attributes:
        looks: The files, in the order of their names.
    """

    looks: tuple[Look, ...]

    @cached_property
    def first(self) -> Look:
        """The largest file, which represents all."""
        return max(self.looks, key=lambda look: look.file.path.stat().st_size)

    @property
    def files(self) -> list[SourceFile]:
        """The files of the family."""
        return [look.file for look in self.looks]

    @property
    def file_names(self) -> list[str]:
        """Their names."""
        return [file.name for file in self.files]

    @property
    def name(self) -> str:
        """The name of the family."""
        return self.first.file.name if len(self.looks) == 1 else families_by_name(self.files)[0]

    @property
    def is_holdout(self) -> bool:
        """Whether the name says that these are for a test."""
        return mentions(self.name, Topic.HOLDOUT)

    @property
    def bytes(self) -> int:
        """Size of the files together, as they lie on the disk."""
        return sum(file.path.stat().st_size for file in self.files)

    @property
    def column_names(self) -> tuple[str, ...]:
        """The columns of the largest file."""
        return tuple(column.name for column in self.first.columns)

    def parted(self) -> tuple["Family", list[Look]]:
        """Separate the files that have every column of the largest from those that have not."""
        names = {*self.column_names}
        lacking = [look for look in self.looks if not names <= {column.name for column in look.columns}]
        return Family(tuple(look for look in self.looks if look not in lacking)), lacking

    def levels(self, name: str) -> list[str]:
        """Return the distinct values of a column, over all files, in order of appearance."""
        columns = (look.column(name) for look in self.looks)
        return list(dict.fromkeys(level for column in columns if column for level in column.levels))

    def range(self, name: str) -> tuple[float, float]:
        """Return the least and the greatest number of a column, over all files."""
        ranges = [column.range for look in self.looks if (column := look.column(name)) and column.range]
        return min(low for low, _ in ranges), max(high for _, high in ranges)


def families_of(looks: Sequence[Look]) -> list[Family]:
    """Group files whose names differ by numbers only and whose formats are equal."""
    groups: dict[tuple[str, str], list[Look]] = {}
    for look, family in zip(looks, families_by_name([look.file for look in looks]), strict=True):
        headed = isinstance(look.format, Csv) and look.format.header
        form = look.format.model_dump_json() + ("" if headed else str([column.name for column in look.columns]))
        groups.setdefault((family, form), []).append(look)
    return [Family(tuple(group)) for group in groups.values()]
