"""A sample of any source file: how the file is written, by its content, and its first rows."""

from collections.abc import Callable, Mapping
from typing import Final

import polars as pl

from nightschool.data.normalization.parse_numbers import with_points
from nightschool.data.readers.delimited import Csv
from nightschool.data.readers.formats import FORMATS
from nightschool.data.readers.heads import FileStart
from nightschool.data.readers.source_format import Sample, SourceFormat, is_pattern, readable_rows
from nightschool.data.readers.sources import SourceFile
from nightschool.errors import DataRefused
from nightschool.inspection.layout import split_into_layout

_COMMA_NUMBER: Final = r"^\s*-?(?:\d{1,3}(?:\.\d{3})+|\d+)(?:,\d+)?\s*$"
_CERTAIN_COMMA: Final = r",(?:\d{1,2}|\d{4,})\s*$"
_POINT_NUMBER: Final = r"^\s*-?\d+\.\d+\s*$"
_BOTH_MARKS: Final = r"\d\.\d{3},\d"


def take_sample(file: SourceFile) -> Sample:
    """Return the first rows of a file, in the first of the formats that it looks like, whatever its name says.

    Raises:
        NotFound: It is gone, or cannot be read now.
        DataRefused: It holds no table that a manifest can describe; the message says why.
    """
    start = FileStart(file)
    for kind in FORMATS:
        if sample := _GUESSES.get(kind, kind.guess)(start):
            return sample
    raise DataRefused(f"{file.name} is no table: no separator cuts its lines into the same number of fields")


def _delimited(start: FileStart) -> Sample | None:
    """Return the first rows of a file whose lines a separator cuts into the same number of fields."""
    file, head = start.file, start.head
    if head.first.startswith("<"):
        raise DataRefused(f"{file.name} is XML or HTML")
    layout = split_into_layout(file, head)
    if layout is None:
        return None
    rows = readable_rows(file, layout.rows, f"do not have {len(layout.columns)} fields")
    commas = _decimal_commas(rows)
    thousands = any(rows[name].str.contains(_BOTH_MARKS).any() for name in commas)
    kind = Csv(
        separator=layout.separator,
        header=layout.header,
        columns=() if layout.header else layout.columns,
        encoding=head.encoding,
        quote='"' if layout.quotes else "none",
        decimal="," if commas else ".",
        thousands="." if thousands else "",
    )
    whys = {**layout.whys, **head.whys}
    if commas:
        whys |= {"decimal": f"numbers such as those of {commas[0]}", "thousands": "likewise"}
        rows = rows.with_columns(with_points(rows[name], *kind.number_marks) for name in commas)
    return Sample(file, kind, rows, head.whole, whys, not layout.header)


def _decimal_commas(rows: pl.DataFrame) -> list[str]:
    """Return the columns of numbers with a decimal comma; none if another one has decimal points."""
    found = []
    for column in (column for column in rows.iter_columns() if not is_pattern(column.name)):
        text = column.drop_nulls()
        text = text.filter(text != "")
        if text.str.contains(_POINT_NUMBER).sum() > len(text) / 2:
            return []
        # 1,234 may as well be a whole number with its thousands apart.
        is_comma = text.str.contains(_COMMA_NUMBER).all() and text.str.contains(_CERTAIN_COMMA).any()
        found += [column.name] if is_comma and len(text) else []
    return found


_GUESSES: Final[Mapping[type[SourceFormat], Callable[[FileStart], Sample | None]]] = {Csv: _delimited}
"""Delimited text is recognised by the values of its columns, which only the inspection looks at."""
