"""A sample of any source file: how the file is written, told from its content, and its first rows."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import polars as pl
from polars.exceptions import PolarsError

from nightschool.columns import REASON
from nightschool.data.normalization.parse_numbers import with_points
from nightschool.data.readers.delimited import keys_of
from nightschool.data.readers.formats import Adjacency, Csv, Format, Jsonl, Names, Parquet, is_pattern
from nightschool.data.readers.heads import SAMPLE_ROWS, Head, first_bytes, read_head
from nightschool.data.readers.parsing import RAW, split_adjacency, split_jsonl
from nightschool.data.readers.sources import SourceFile
from nightschool.errors import DataRefused
from nightschool.inspection.layout import Layout, looks_like_adjacency, split_into_layout

_MOST_KEYS: Final = 500
_KEYED_LINES: Final = 500
_BAD_SHARE: Final = 0.1
_COMMA_NUMBER: Final = r"^\s*-?(?:\d{1,3}(?:\.\d{3})+|\d+)(?:,\d+)?\s*$"
_CERTAIN_COMMA: Final = r",(?:\d{1,2}|\d{4,})\s*$"
_POINT_NUMBER: Final = r"^\s*-?\d+\.\d+\s*$"
_BOTH_MARKS: Final = r"\d\.\d{3},\d"
_PARQUET: Final = b"PAR1"


@dataclass(frozen=True)
class Sample:
    """The first rows of a file.

    Attributes:
        file: The file.
        format: How it is written.
        rows: The file's own columns; text but for Parquet.
        whole: Whether these are all its rows.
        whys: Why a key of the format was guessed as it was.
        invented: Whether the file does not name its columns.
    """

    file: SourceFile
    format: Format
    rows: pl.DataFrame
    whole: bool
    whys: Mapping[str, str] = field(default_factory=dict)
    invented: bool = False


def take_sample(file: SourceFile) -> Sample:
    """The first rows of a file, whatever its name says that it is.

    Raises:
        NotFound: It is gone, or cannot be read now.
        DataRefused: It holds no table that a manifest can describe; the message says why.
    """
    start = first_bytes(file, len(_PARQUET))
    if file.path.suffix == ".npz":
        do = 'a sparse matrix of scipy can be read with kind = "csr", but does not say what its columns mean'
        raise DataRefused(f"{file.name} holds NumPy arrays: {do}")
    if start == _PARQUET:
        return _parquet(file)
    head = read_head(file)
    first = next((line for line in head.lines.head(100) if line.strip()), "").lstrip()
    if first.startswith("{"):
        return _jsonl(file, head)
    if first.startswith("["):
        raise DataRefused(f"{file.name} is one JSON list: write one object a line")
    if first.startswith("<"):
        raise DataRefused(f"{file.name} is XML or HTML")
    return _text(file, head)


def _parquet(file: SourceFile) -> Sample:
    try:
        scan = pl.scan_parquet(file.path, glob=False)
        rows = scan.head(SAMPLE_ROWS + 1).collect()
    except PolarsError as error:
        raise DataRefused(f"{file.name} is no readable Parquet file: {str(error)[:100]}") from error
    if rows.is_empty():
        raise DataRefused(f"{file.name} holds no rows")
    return Sample(file, Parquet(kind="parquet"), rows.head(SAMPLE_ROWS), rows.height <= SAMPLE_ROWS)


def _jsonl(file: SourceFile, head: Head) -> Sample:
    keys = _keys(file, head.lines)
    kind = Jsonl(kind="jsonl", encoding=head.encoding)
    rows = _good_rows(file, split_jsonl(head.lines, keys), "are no JSON objects")
    return Sample(file, kind, rows, head.whole, {"kind": "each line is a JSON object", **_encoded(head)})


def _keys(file: SourceFile, lines: pl.Series) -> Names:
    """The keys of a file's first objects, in the order in which they come."""
    found: dict[str, None] = {}
    for line in lines.filter(lines.str.strip_chars() != "").head(_KEYED_LINES):
        found.update(dict.fromkeys(keys_of(line)))
    keys = tuple(key for key in found if not any("\ud800" <= letter <= "\udfff" for letter in key))
    if not 0 < len(keys) <= _MOST_KEYS:
        raise DataRefused(f"{file.name} holds JSON, but its lines have {len(keys)} different keys")
    return keys


def _text(file: SourceFile, head: Head) -> Sample:
    layout = split_into_layout(file, head)
    if layout is not None:
        return _csv(file, head, layout)
    if looks_like_adjacency(head.lines):
        rows = _good_rows(file, split_adjacency(head.lines), "cannot be read")
        kind = Adjacency(kind="adjacency", encoding=head.encoding)
        return Sample(file, kind, rows, head.whole, {"kind": "each line is an id and the ids that go with it"})
    raise DataRefused(f"{file.name} is no table: no separator cuts its lines into the same number of fields")


def _csv(file: SourceFile, head: Head, layout: Layout) -> Sample:
    rows = _good_rows(file, layout.rows, f"do not have {len(layout.columns)} fields")
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
    whys = {**layout.whys, **_encoded(head)}
    if commas:
        whys |= {"decimal": f"numbers such as those of {commas[0]}", "thousands": "likewise"}
        rows = rows.with_columns(with_points(rows[name], kind) for name in commas)
    return Sample(file, kind, rows, head.whole, whys, not layout.header)


def _decimal_commas(rows: pl.DataFrame) -> list[str]:
    """The columns of numbers with a decimal comma; none where another one has decimal points."""
    found = []
    for column in (column for column in rows.iter_columns() if not is_pattern(column.name)):
        text = column.drop_nulls()
        text = text.filter(text != "")
        if text.str.contains(_POINT_NUMBER).sum() > len(text) / 2:
            return []
        # 1,234 may as well be a whole number with its thousands apart.
        telling = text.str.contains(_COMMA_NUMBER).all() and text.str.contains(_CERTAIN_COMMA).any()
        found += [column.name] if telling and len(text) else []
    return found


def _good_rows(file: SourceFile, rows: pl.DataFrame, otherwise: str) -> pl.DataFrame:
    bad = rows[REASON].is_not_null()
    if not len(rows) or bad.all():
        raise DataRefused(f"{file.name} holds no rows")
    if (share := bad.sum() / len(rows)) > _BAD_SHARE:
        raise DataRefused(f"{file.name}: {share:.0%} of its lines {otherwise}")
    return rows.filter(~bad)[RAW].struct.unnest()


def _encoded(head: Head) -> Mapping[str, str]:
    return {} if head.encoding == "utf-8" else {"encoding": "its bytes are no UTF-8"}
