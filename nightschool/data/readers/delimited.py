"""What a file must look like before its rows are read: its columns, its keys, the fields of its lines."""

import json
import re
from collections.abc import Mapping
from typing import Any, Final

import polars as pl

from nightschool.columns import DETAIL, REASON
from nightschool.data.normalization.missing import BLANKS
from nightschool.data.readers.formats import Csv, Names
from nightschool.data.readers.parsing import split_header, to_lines
from nightschool.data.readers.sources import SourceFile, line_blocks, open_source
from nightschool.errors import DataRefused

_SEPARATORS: Final = (",", ";", "\t", "|")


def read_header(file: SourceFile, kind: Csv, needed: Names) -> Names:
    """The file's columns, as its first line or the manifest names them; every needed one is among them.

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
    """Nothing, when the needed columns are there; else what the first line shows, unless it may be about somebody."""
    if {*needed} <= {*columns}:
        return
    if line.startswith("sep="):
        require_columns(file, (line,), needed, do="take that first line away, which spreadsheets alone read")
    others = (mark for mark in _SEPARATORS if mark != kind.separator)
    split = {mark: {name.strip(BLANKS) for name in split_header(line, mark, quotes=kind.quotes)} for mark in others}
    if other := next((mark for mark, names in split.items() if {*needed} <= names), None):
        require_columns(file, columns, needed, do=f"say separator = {json.dumps(other)} in its format")
    if any(_is_value(name) for name in columns if name.strip(BLANKS)):
        # Such a line is a row, and about somebody.
        raise DataRefused(
            f"{file.name} has no column {', '.join(name for name in needed if name not in columns)}",
            seen=f"{len(columns)} fields, of which some are no names",
            do="check the manifest's column names and separator; where the file names none, say header = false",
        )


def _is_value(name: str) -> bool:
    return "@" in name or not re.search(r"[^\W\d_]", name)


def _bare(name: str, columns: Names, needed: Names) -> str:
    """The name without blanks, where that is a needed column and no other has it."""
    bare = name.strip(BLANKS)
    return bare if bare in needed and bare not in columns else name


def require_columns(
    file: SourceFile,
    columns: Names,
    needed: Names,
    do: str = "check the manifest's column names, separator and header",
) -> None:
    """Nothing, when every needed column is among those of the file.

    Raises:
        DataRefused: One is not.
    """
    if missing := [name for name in needed if name not in columns]:
        raise DataRefused(
            f"{file.name} has no column {', '.join(missing)}",
            seen=f"columns {', '.join(columns[:30])}"[:500],
            do=do,
        )


def require_keys(file: SourceFile, lines: pl.Series, needed: Names) -> None:
    """Nothing, when every key, or every key of a path, stands somewhere among a file's first lines.

    Raises:
        DataRefused: One does not; keys alone are told, and no value of anybody.
    """
    lines = lines.filter(lines.str.strip_chars() != "")
    if len(lines) and _is_array(lines):
        raise DataRefused(f"{file.name} is one JSON array", do="write each of its objects on a line of its own")
    missing = [name for name in needed if not (_is_key(name, lines) or all(_is_key(k, lines) for k in name.split(".")))]
    if missing and len(lines):
        raise DataRefused(
            f"{file.name} has no key {', '.join(missing)}",
            seen=f"keys {', '.join(keys_of(lines[0]))}"[:500]
            if lines[0].lstrip().startswith("{")
            else "no JSON object",
            do="check the manifest's column names and the file's kind",
        )


def _is_array(lines: pl.Series) -> bool:
    """Whether the lines are those of one array of objects, be it on one line or on several."""
    text = "".join(lines.head(2).str.strip_chars())
    return bool(re.match(r"\[\s*\{", text)) and (len(lines) == 1 or not lines[0].rstrip().endswith("]"))


def keys_of(line: str) -> list[str]:
    """The keys of a JSON object, those within others behind a dot; none where the line is no object."""
    try:
        document = json.loads(line)
    except (ValueError, RecursionError):
        return []
    return _flat(document) if isinstance(document, dict) else []


def _flat(document: Mapping[str, Any], depth: int = 4) -> list[str]:
    found = []
    for key, value in document.items():
        inner = _flat(value, depth - 1) if isinstance(value, dict) and depth else []
        found += [key, *(f"{key}.{each}" for each in inner)]
    return found


def _is_key(name: str, lines: pl.Series) -> bool:
    return bool(lines.str.contains(json.dumps(name, ensure_ascii=False), literal=True).any())


def require_fields(file: SourceFile, rows: pl.DataFrame, kind: Csv) -> None:
    """Nothing, when one of a file's first lines has as many fields as the manifest names columns.

    Raises:
        DataRefused: None has.
    """
    if rows.height and rows[REASON].null_count() == 0:
        raise DataRefused(
            f"no line of {file.name} has the {len(kind.columns)} columns of the manifest",
            seen=rows[DETAIL][0],
            do=f"check the manifest's separator (now {kind.separator!r}) and columns",
        )
