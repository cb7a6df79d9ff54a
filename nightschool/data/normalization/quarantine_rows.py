"""Rows that were kept as JSON to raw rows, as if the readers gave them once more."""

from typing import Final

import polars as pl

from nightschool.columns import DETAIL, REASON, ROW, SOURCE_ROW
from nightschool.data.manifest.manifest import Items, Users
from nightschool.data.manifest.sections import Interactions
from nightschool.data.readers.parsing import LONE_QUOTE, RAW, split_jsonl
from nightschool.data.readers.sources import SourceFile

LINE: Final = "line"
"""The one key of a kept row that could not be taken apart."""

NOT_TAKEN_APART: Final = (LONE_QUOTE, "bad_quoting", "wrong_field_count", "bad_json")
"""Why rows are kept as a line."""

_PLACE: Final = "place"


def reread(rows: pl.DataFrame, part: Interactions | Items | Users, file: SourceFile) -> pl.DataFrame:
    """Turn kept rows into frames of source_row, raw (a struct of the manifest's columns), reason, detail, row.

    A line that could not be taken apart is tried once more, by the file's header where the manifest names no columns.

    Args:
        rows: source_row and row, which is one JSON object.
        part: The part of the manifest that describes the file.
        file: Where the rows come from.

    Raises:
        NotFound: A line needs the header of a file that is gone.
        DataRefused: The file's header cannot be read, or lacks a column by now.
    """
    names = part.source_columns
    keys = tuple(dict.fromkeys((*names, LINE)))
    fields = split_jsonl(rows[ROW], keys)[RAW].struct.unnest()
    is_line = fields.select(pl.all_horizontal(pl.col(names).is_null()) & pl.col(LINE).is_not_null()).to_series()
    missing = [pl.lit(None, pl.String).alias(name) for name in (REASON, DETAIL)]
    taken_apart = fields.select(pl.struct(names).alias(RAW), *missing).with_columns(rows[SOURCE_ROW], rows[ROW])
    if not is_line.any():
        return taken_apart.select(SOURCE_ROW, RAW, REASON, DETAIL, ROW)
    lines = fields[LINE].filter(is_line)
    again = _split(lines, part, file).with_columns(rows[SOURCE_ROW].filter(is_line))
    frame = pl.concat([taken_apart.filter(~is_line), again], how="diagonal").sort(SOURCE_ROW)
    return frame.select(SOURCE_ROW, RAW, REASON, DETAIL, ROW)


def _split(lines: pl.Series, part: Interactions | Items | Users, file: SourceFile) -> pl.DataFrame:
    """Split kept lines, one row each in their order, with a reason where it still fails."""
    names = part.source_columns
    whole, split, reason = part.format.split_kept(lines, file, names)
    raw = pl.struct(pl.col(RAW).struct.field(name) for name in names)
    rows = split.select(pl.when(pl.col(RAW).is_not_null()).then(raw).alias(RAW), REASON, DETAIL)
    kept = pl.DataFrame({REASON: [reason]}).select(pl.lit(None, rows.schema[RAW]).alias(RAW), REASON)
    rows = rows.with_columns(whole.arg_true().alias(_PLACE))
    others = kept.join((~whole).arg_true().alias(_PLACE).to_frame(), how="cross")
    text = lines.to_frame(LINE).select(pl.struct(LINE).struct.json_encode().alias(ROW)).to_series()
    return pl.concat([rows, others], how="diagonal").sort(_PLACE).drop(_PLACE).with_columns(text)
