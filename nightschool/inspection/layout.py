"""How the lines of a text file are cut into fields: its separator, and whether its first line names the columns."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import polars as pl

from nightschool.columns import REASON
from nightschool.data.readers.heads import Head
from nightschool.data.readers.parsing import BLANKS, RAW, open_lines, split_csv, split_header
from nightschool.data.readers.source_format import Names
from nightschool.data.readers.sources import SourceFile
from nightschool.errors import DataRefused
from nightschool.inspection.names import Topic, mentions, names_an_id
from nightschool.inspection.profiles import Kind, profile

SEPARATORS: Final = ("::", "\t", ";", "|", ",", " ")
"""What is tried, in the order of preference where two cut a file into as many fields."""

_TRIED_LINES: Final = 1000
_GOOD_SHARE: Final = 0.9
_MOST_COLUMNS: Final = 2000


@dataclass(frozen=True)
class Layout:
    """A file of fields.

    Attributes:
        separator: The text between two fields.
        header: Whether the first line names the columns.
        columns: Their names, column_1 and so on where the file gives none.
        rows: The sampled lines without the header, as `split_csv` splits them.
        quotes: Whether fields may stand between quotes.
        whys: Why the separator, the header and the quotes were guessed so.
    """

    separator: str
    header: bool
    columns: Names
    rows: pl.DataFrame
    quotes: bool
    whys: Mapping[str, str]


def split_into_layout(file: SourceFile, head: Head) -> Layout | None:
    """Find the separator that cuts nearly all lines into the same, largest number of fields; None without one.

    Raises:
        DataRefused: The first line names a column twice, or there are too many columns to guess from.
    """
    separator = _best_separator(head.lines.head(_TRIED_LINES))
    if separator is None:
        return None
    quotes = _quotes(head.lines, separator)
    lines = _closed(head, separator) if quotes else head.lines
    names = tuple(split_header(lines[0], separator, quotes=quotes))
    if not any(names):
        raise DataRefused(f"{file.name} begins with a blank line: remove it")
    if len(names) > _MOST_COLUMNS:
        raise DataRefused(f"{file.name} has {len(names)} columns, too many to guess what they are")
    invented = tuple(f"column_{place}" for place in range(1, len(names) + 1))
    rows = split_csv(lines.slice(1), invented, separator, quotes=quotes)
    header, why = _has_header(names, rows.head(_TRIED_LINES))
    whys = {"separator": f"it cuts the lines into {len(names)} fields each", "header": why}
    whys |= {} if quotes else {"quote": "quotes stand alone in its texts"}
    if not header:
        rows = split_csv(lines, invented, separator, quotes=quotes)
        return Layout(separator, False, invented, rows, quotes, whys)
    names = tuple(name.strip(BLANKS) for name in names)
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise DataRefused(f"{file.name} names a column twice: {repeated[0]!r}")
    rows = split_csv(lines.slice(1), names, separator, quotes=quotes)
    return Layout(separator, True, names, rows, quotes, whys)


def _quotes(lines: pl.Series, separator: str) -> bool:
    """Return whether quotes enclose fields: not if more of them stand alone and lines split well without them."""
    edge = re.escape(separator)
    lone = lines.str.count_matches('"', literal=True) % 2 == 1
    enclosing = lines.str.contains(f'(^|{edge})"(?:[^"]|"")*"({edge}|$)')
    if lone.sum() <= enclosing.sum():
        return True
    names = tuple(map(str, range(len(split_header(lines[0], separator)))))
    with_quotes, without = (split_csv(lines, names, separator, quotes=quotes) for quotes in (True, False))
    return bool(without[REASON].count() >= with_quotes[REASON].count())


def _closed(head: Head, separator: str) -> pl.Series:
    """Return the lines without a last record that continues beyond the sample."""
    n_open = 0 if head.whole else open_lines(head.lines, separator)
    return head.lines.head(len(head.lines) - n_open) if n_open < len(head.lines) else head.lines


def _best_separator(lines: pl.Series) -> str | None:
    lines = lines.filter(lines.str.strip_chars() != "")
    best, most = None, 1
    for separator in SEPARATORS:
        n_fields = len(split_header(lines[0], separator)) if len(lines) else 0
        if not most < n_fields <= _MOST_COLUMNS + 1:
            continue
        rows = split_csv(lines, tuple(map(str, range(n_fields))), separator, quotes=_quotes(lines, separator))
        if _nearly_all(rows[REASON].is_null()):
            best, most = separator, n_fields
    return best


def _has_header(names: Names, body: pl.DataFrame) -> tuple[bool, str]:
    """Return whether the first line names the columns, and why."""
    values = body.filter(body[REASON].is_null())[RAW].struct.unnest()
    value_kinds = {Kind.INTEGER, Kind.NUMBER, Kind.INSTANT, Kind.FLAG}
    below = [profile(name, values[name]) for name in values.columns]
    above = [profile("", pl.Series([name], dtype=pl.String)) for name in names]
    pairs = [
        (name, up.kind in value_kinds)
        for name, up, down in zip(names, above, below, strict=True)
        if (down.kind in value_kinds or names_an_id(name)) and up.kind != Kind.EMPTY
    ]
    names_only, values_only = [name for name, value in pairs if not value], [name for name, value in pairs if value]
    if len(names_only) > len(values_only):
        return True, f"{names_only[0]!r} is no value of the column below it"
    if values_only:
        return False, f"the first line holds values, such as {values_only[0]!r}"
    named = [name for name in names if names_an_id(name) or any(mentions(name, topic) for topic in Topic)]
    again = [(column == name).any() for name, column in zip(names, values.iter_columns(), strict=True)]
    if named and not any(again):
        return True, f"{named[0]!r} is the name of a column"
    return False, "the first line looks like the others"


def _nearly_all(where: pl.Series) -> bool:
    return bool(len(where)) and where.sum() >= _GOOD_SHARE * len(where)
