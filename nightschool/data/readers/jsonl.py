"""Files with one JSON object a line, whose keys are the columns."""

import json
import re
from collections.abc import Mapping
from typing import Any, Final, Literal

import polars as pl

from nightschool.data.readers.heads import FileStart
from nightschool.data.readers.parsing import split_jsonl, to_lines
from nightschool.data.readers.source_format import Names, Sample, readable_rows
from nightschool.data.readers.sources import SourceFile, line_blocks, open_source
from nightschool.data.readers.text_format import Encoding, TextFormat
from nightschool.errors import DataRefused

_MOST_KEYS: Final = 500
_KEYED_LINES: Final = 500


class Jsonl(TextFormat):
    """One JSON object a line."""

    kind: Literal["jsonl"]
    encoding: Encoding = "utf-8"

    @property
    def text_encoding(self) -> str:
        """The encoding of the file."""
        return self.encoding

    def lacking(self, file: SourceFile, columns: Names) -> Names:
        """Return which of the keys are in none of the first lines.

        Raises:
            NotFound: The file is gone.
            DataRefused: It cannot be decompressed or decoded.
        """
        if not columns:
            return ()
        with open_source(file) as stream:
            lines = to_lines(next(line_blocks(stream, file, self.encoding), b""))
        return _lacking_keys(columns, lines) if lines.str.contains("{", literal=True).any() else ()

    def split(self, lines: pl.Series, columns: Names) -> pl.DataFrame:
        """Split lines into rows of the keys' values as text; lists and objects stay JSON."""
        return split_jsonl(lines, columns)

    def first_rows(self, file: SourceFile, lines: pl.Series, needed: Names) -> pl.Series:
        """Return the lines, if every needed key is in some of them.

        Raises:
            DataRefused: One is in none.
        """
        require_keys(file, lines, needed)
        return lines

    @classmethod
    def guess(cls, start: FileStart) -> Sample | None:
        """Return the first rows of a file whose first line begins with a brace.

        Raises:
            DataRefused: It is one JSON list, or its lines have too many different keys.
        """
        file, head = start.file, start.head
        if head.first.startswith("["):
            raise DataRefused(f"{file.name} is one JSON list: write one object a line")
        if not head.first.startswith("{"):
            return None
        rows = readable_rows(file, split_jsonl(head.lines, _keys(file, head.lines)), "are no JSON objects")
        whys = {"kind": "each line is a JSON object", **head.whys}
        return Sample(file, cls(kind="jsonl", encoding=head.encoding), rows, head.whole, whys)


def _keys(file: SourceFile, lines: pl.Series) -> Names:
    """Return the keys of a file's first objects, in order of appearance."""
    found: dict[str, None] = {}
    for line in lines.filter(lines.str.strip_chars() != "").head(_KEYED_LINES):
        found.update(dict.fromkeys(keys_of(line)))
    keys = tuple(key for key in found if not any("\ud800" <= letter <= "\udfff" for letter in key))
    if not 0 < len(keys) <= _MOST_KEYS:
        raise DataRefused(f"{file.name} holds JSON, but its lines have {len(keys)} different keys")
    return keys


def require_keys(file: SourceFile, lines: pl.Series, needed: Names) -> None:
    """Raise unless every key, or every key of a path, occurs among a file's first lines.

    Raises:
        DataRefused: One does not; the message repeats keys alone, never a value.
    """
    lines = lines.filter(lines.str.strip_chars() != "")
    if len(lines) and _is_array(lines):
        raise DataRefused(f"{file.name} is one JSON array", do="write each of its objects on a line of its own")
    missing = _lacking_keys(needed, lines)
    if missing and len(lines):
        raise DataRefused(
            f"{file.name} has no key {', '.join(missing)}",
            seen=f"keys {', '.join(keys_of(lines[0]))}"[:500]
            if lines[0].lstrip().startswith("{")
            else "no JSON object",
            do="check the manifest's column names and the file's kind",
        )


def _lacking_keys(names: Names, lines: pl.Series) -> Names:
    """Return the names that occur in none of the lines, neither as a key nor as a path of keys."""
    return tuple(
        name for name in names if not (_is_key(name, lines) or all(_is_key(k, lines) for k in name.split(".")))
    )


def _is_array(lines: pl.Series) -> bool:
    """Return whether the lines form one array of objects, on one line or on several."""
    text = "".join(lines.head(2).str.strip_chars())
    return bool(re.match(r"\[\s*\{", text)) and (len(lines) == 1 or not lines[0].rstrip().endswith("]"))


def keys_of(line: str) -> list[str]:
    """Return the keys of a JSON object, nested ones as paths with dots; none where the line is no object."""
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
