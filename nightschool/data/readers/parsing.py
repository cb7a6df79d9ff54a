"""Lines to raw rows: the fields as the file holds them, or the reason why a line holds no row."""

import json
import re
from typing import Final

import polars as pl

from nightschool.columns import DETAIL, REASON, ROW

RAW: Final = "raw"
"""One struct column that holds the file's own columns, so that their names cannot clash with ours."""

JSON_STRING: Final = r'"(?:[^"\\]|\\.)*"'
"""A text in JSON; what is left without them is its numbers and structure."""

LONE_QUOTE: Final = "lone_quote"
"""The reason of a line whose quote would swallow the rows that follow, if it opened a field."""

BLANKS: Final = " \t\n\r\v\f\u00a0\u2007\u202f\u3000\ufeff\u200b"
"""What is cut off around names, ids and labels: no-break spaces and byte order marks are among them."""

_RECORD: Final = "record"
_FIELDS: Final = "fields"
_GROUP: Final = "group"
_LINES: Final = "lines"
_QUOTE: Final = '"'
_A_NUMBER: Final = r'^\s*"?[-+]?\d[\d.,:TZ+ -]*"?\s*$'
"""Numbers, and times as they are written most."""

_NEARLY_ALL: Final = 0.95
_HUGE: Final = r"[\s:,\[]-?\d{39,}[\s,}\]]"
"""A whole number in JSON that may be beyond 128 bits, which polars does not read."""


def to_lines(block: bytes) -> pl.Series:
    """Split a block of UTF-8 into lines, without their ends."""
    return pl.read_lines(block, name=_RECORD)[_RECORD]


def split_csv(lines: pl.Series, columns: tuple[str, ...], separator: str, *, quotes: bool = True) -> pl.DataFrame:
    """Return one row per record: raw, reason, detail, row (JSON of a record that could not be split), no blank lines.

    A record goes on over a line end inside quotes. Where that yields a wrong number of fields, or a field that holds
    whole rows, its lines are taken one by one, so that a lone quote costs one row and not all that follow.

    Args:
        lines: The lines.
        columns: The columns' names.
        separator: The text between two fields.
        quotes: Whether fields may stand between double quotes; else a quote is a letter like others.
    """
    groups = _record_of_line(lines, separator, quotes)
    frame = _split(lines, groups, separator, quotes)
    n_fields = pl.col(_FIELDS).list.len().fill_null(0)
    several = frame.filter(pl.col(_LINES) > 1)
    swallowed = pl.Series(dtype=pl.Int64)
    if several.height:
        whole, rows = (frame.filter((pl.col(_LINES) > 1) == over, n_fields == len(columns)) for over in (True, False))
        swallowed = _groups_of_rows(whole, rows, separator, len(columns))
        broken = several.filter(n_fields != len(columns))[_GROUP].cast(pl.Int64).append(swallowed)
        one_by_one = -1 - pl.int_range(len(lines), eager=True, dtype=pl.Int64)
        swallowed = one_by_one.filter(groups.is_in(swallowed.implode()))
        if len(broken):
            frame = _split(lines, groups.zip_with(~groups.is_in(broken.implode()), one_by_one), separator, quotes)
    fits = n_fields == len(columns)
    raw = pl.struct(pl.col(_FIELDS).list.get(place, null_on_oob=True).alias(name) for place, name in enumerate(columns))
    unpaired = (
        pl.when(pl.col(_GROUP).is_in(swallowed.implode())).then(pl.lit(LONE_QUOTE)).otherwise(pl.lit("bad_quoting"))
    )
    reason = pl.when(pl.col(_FIELDS).is_null()).then(unpaired).otherwise(pl.lit("wrong_field_count"))
    detail = pl.format("{} fields where {} are expected", n_fields, pl.lit(len(columns)))
    return frame.select(
        pl.when(fits).then(raw).alias(RAW),
        pl.when(~fits).then(reason).alias(REASON),
        pl.when(~fits & pl.col(_FIELDS).is_not_null()).then(detail).alias(DETAIL),
        _json_where(~fits),
    )


def split_header(line: str, separator: str, *, quotes: bool = True) -> list[str]:
    """Return the fields of one line; none where its quotes do not pair up."""
    fields = _split(pl.Series([line]), pl.Series([0]), separator, quotes)[_FIELDS]
    return list(fields[0]) if len(fields) and fields[0] is not None else []


def open_lines(lines: pl.Series, separator: str) -> int:
    """Count the last lines that belong to a record whose closing quote is still to come."""
    if not _may_quote(lines, separator):
        return 0
    inside = _toggles(lines, separator).cum_sum() % 2
    if not inside[-1]:
        return 0
    return len(lines) - int((inside.shift(1, fill_value=0) == 0).arg_true()[-1])


def split_jsonl(lines: pl.Series, columns: tuple[str, ...]) -> pl.DataFrame:
    """Return one row per object: raw (text; lists and objects as JSON), reason, detail, row; no blank lines.

    A column with dots in its name is the key of that name, else the path through keys within keys.
    """
    frame = lines.to_frame(_RECORD).filter(pl.col(_RECORD).str.strip_chars() != "")
    schema = pl.Schema(dict.fromkeys(columns, pl.String()))
    is_object = pl.col(_RECORD).str.json_path_match("$").str.starts_with("{").fill_null(value=False)
    if frame[_RECORD].str.contains(_HUGE).any():
        is_object &= ~pl.col(_RECORD).str.replace_all(JSON_STRING, '""').str.contains(_HUGE)
    faults = frame.select(
        pl.when(~is_object).then(pl.lit("bad_json")).alias(REASON),
        pl.lit(None, pl.String).alias(DETAIL),
        pl.when(is_object).then(pl.col(_RECORD)).otherwise(pl.struct(line=_RECORD).struct.json_encode()).alias(ROW),
    )
    objects = frame.select(pl.when(is_object).then(pl.col(_RECORD)).otherwise(pl.lit("{}")))[_RECORD]
    raw = pl.read_ndjson("\n".join(objects).encode(), schema=schema) if len(objects) else schema.to_frame()
    within = [name for name in columns if "." in name and raw[name].null_count()]
    raw = raw.with_columns(raw[name].zip_with(raw[name].is_not_null(), _at(objects, name)) for name in within)
    # polars writes a list as text without escaping what is in it; the path gives back proper JSON, at a higher price.
    nested = [name for name in columns if raw[name].str.contains(r"^[\[{]").any()]
    proper = [
        literal.zip_with(literal.is_not_null(), raw[name]).alias(name)
        for name in nested
        for literal in [objects.str.json_path_match(key_paths(name)[0])]
    ]
    return faults.select(raw.with_columns(proper).to_struct(RAW), pl.all())


def key_paths(name: str) -> tuple[str, ...]:
    """Return the JSON paths under which an object may hold a column: its name as a key, then keys within keys."""
    ways = [[name], name.split(".")] if "." in name else [[name]]
    return tuple("$" + "".join(f"[{json.dumps(key, ensure_ascii=False)}]" for key in keys) for keys in ways)


def _at(objects: pl.Series, name: str) -> pl.Series:
    """Return the value at a path of keys within objects, as text."""
    return objects.str.json_path_match(key_paths(name)[-1])


def _record_of_line(lines: pl.Series, separator: str, quotes: bool) -> pl.Series:
    """Return the number of the record that each line belongs to."""
    if not (quotes and _may_quote(lines, separator)):
        return pl.int_range(len(lines), eager=True, dtype=pl.Int64)
    inside = _toggles(lines, separator).cum_sum() % 2
    return (inside.shift(1, fill_value=0) == 0).cast(pl.Int64).cum_sum()


def _groups_of_rows(records: pl.DataFrame, rows: pl.DataFrame, separator: str, n_columns: int) -> pl.Series:
    """Return the multi-line records of which every line looks like a row, if those are at least half of them.

    Such a line has as many separators as a row. Either there is something like the others have before the first one of
    them, or numbers are wherever the rows of one line have numbers.

    Args:
        records: Those over several lines.
        rows: Those of one line.
        separator: The text between two fields.
        n_columns: How many fields a row has.
    """
    line, fields, first = pl.col(_RECORD), pl.col(_FIELDS), pl.col(_FIELDS).list.first()
    whole = records.select(_GROUP, line.str.split("\n")).explode(_RECORD, empty_as_null=True)
    whole = whole.with_columns(line.str.split(separator).alias(_FIELDS))
    uniform = pl.all_horizontal(first.str.contains(form).n_unique() == 1 for form in (r"^\d+$", r"\d"))
    uniform &= first.str.contains(r'^[^\s"]+$').all()
    places = _numeric(rows, n_columns)
    numbers = [fields.list.get(place, null_on_oob=True).str.contains(_A_NUMBER).all() for place in places]
    cut = (line.str.count_matches(separator, literal=True) == n_columns - 1).all()
    is_row = cut & (uniform | pl.all_horizontal(numbers) if numbers else uniform)
    found = whole.group_by(_GROUP, maintain_order=True).agg(is_row).filter(pl.nth(1))[_GROUP]
    enough = n_columns > 1 and 2 * len(found) >= records.height
    return (found if enough else found.clear()).cast(pl.Int64)


def _numeric(rows: pl.DataFrame, n_columns: int) -> list[int]:
    """Return the positions of the fields that are numbers in nearly all rows."""
    fields = (rows[_FIELDS].list.get(place) for place in range(n_columns))
    counts = [int(texts.str.contains(_A_NUMBER).sum()) for texts in fields]
    return [place for place, count in enumerate(counts) if count >= max(_NEARLY_ALL * rows.height, 1)]


def _may_quote(lines: pl.Series, separator: str) -> bool:
    return len(separator) == 1 and bool(lines.str.contains(_QUOTE, literal=True).any())


def _toggles(lines: pl.Series, separator: str) -> pl.Series:
    """Return where a record opens or closes: an odd number of quotes, one of them at the edge of a field."""
    edge = re.escape(separator)
    odd = lines.str.count_matches(_QUOTE, literal=True) % 2 == 1
    return (odd & lines.str.contains(f'(^|{edge})"|"({edge}|$)')).cast(pl.Int64)


def _split(lines: pl.Series, groups: pl.Series, separator: str, quotes: bool) -> pl.DataFrame:
    """Return one row per non-blank record: group, lines, record, fields (null where its quotes do not pair up)."""
    frame = pl.DataFrame({_GROUP: groups, _RECORD: lines})
    if groups.is_sorted() and groups.n_unique() == len(groups):
        frame = frame.with_columns(pl.lit(1, pl.UInt32).alias(_LINES))
    else:
        text = pl.col(_RECORD).str.join("\n")
        frame = frame.group_by(_GROUP, maintain_order=True).agg(text, pl.len().alias(_LINES))
    frame = frame.filter(pl.col(_RECORD).str.strip_chars(" \t\r") != "").with_columns(
        pl.col(_RECORD).str.split(separator).alias(_FIELDS)
    )
    return _split_quoted(frame, separator) if quotes and _may_quote(frame[_RECORD], separator) else frame


def _split_quoted(frame: pl.DataFrame, separator: str) -> pl.DataFrame:
    """Split the fields of the records that hold a quote by the rules of quoting."""
    edge, place = re.escape(separator), "place"
    # The separator in front makes every match non-empty, so that none is skipped.
    led = pl.lit(separator) + pl.col(_RECORD)
    pieces = led.str.extract_all(f'(?s){edge}("(?:[^"]|"")*"|[^{edge}"][^{edge}]*|)')
    field = pl.element().str.slice(1)
    bare = field.str.slice(1, field.str.len_chars() - 2).str.replace_all('""', _QUOTE, literal=True)
    unquoted = pl.col(_FIELDS).list.eval(pl.when(field.str.starts_with(_QUOTE)).then(bare).otherwise(field))
    numbered = frame.with_row_index(place)
    has_quote = pl.col(_RECORD).str.contains(_QUOTE, literal=True)
    quoted = (
        numbered.filter(has_quote)
        .with_columns(pieces.alias(_FIELDS))
        .with_columns(pl.when(pl.col(_FIELDS).list.join("") == led).then(unquoted).alias(_FIELDS))
    )
    return pl.concat([numbered.filter(~has_quote), quoted]).sort(place).drop(place)


def _json_where(rows: pl.Expr) -> pl.Expr:
    return pl.when(rows).then(pl.struct(line=_RECORD).struct.json_encode()).alias(ROW)


def no_faults() -> list[pl.Expr]:
    """Return the columns reason, detail and row of rows that could all be split."""
    return [pl.lit(None, pl.String).alias(name) for name in (REASON, DETAIL, ROW)]
