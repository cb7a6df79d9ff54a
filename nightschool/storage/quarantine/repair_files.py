"""Quarantined rows in a file that a person edits: JSON lines as they are, or CSV that no spreadsheet runs."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import polars as pl
import polars.selectors as cs
from polars.exceptions import PolarsError

from nightschool.columns import DETAIL, REASON, ROW, SOURCE_FILE, SOURCE_ROW, TABLE
from nightschool.data.readers.parsing import RAW, split_jsonl, to_lines
from nightschool.errors import ConfigurationError, DataRefused, NotFound
from nightschool.storage.quarantine.spreadsheets import with_formulas, without_formulas
from nightschool.storage.quarantine.table import PLACE

_FIELD: Final = "row."
"""Before the name of a source row's own column in CSV, which may be one of ours too."""

_ABOUT: Final = (*PLACE, REASON, DETAIL)
_DO: Final = "edit a file that `nightschool quarantine export` wrote, and leave what names its rows"


def write_rows(rows: pl.DataFrame, columns: Sequence[str], out: Path) -> None:
    """Write quarantined rows to a file: their place, the reason, and the columns of the source rows.

    In CSV a cell that a spreadsheet would take for a formula begins with ', which `read_repairs` takes away again.

    Args:
        rows: Rows of the quarantine.
        columns: The source rows' own columns that CSV shows; JSON lines show all.
        out: A .jsonl or .csv file.

    Raises:
        ConfigurationError: The file is of another type, or cannot be written.
    """
    require_suffix(out)
    rows = rows.sort(PLACE)
    try:
        if out.suffix == ".csv":
            csv_cells(rows, columns).write_csv(out)
        else:
            about = rows.select(*_ABOUT)
            # The row's text as it was kept: its keys and numbers are not parsed and encoded again.
            start = about.to_struct("about").struct.json_encode().str.strip_suffix("}")
            lines = pl.select(pl.format('{},"row":{}}}\n', start, rows[ROW])).to_series()
            out.write_text("".join(lines), encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"cannot write {out}", seen=str(error), do="give another --out") from error


def csv_cells(rows: pl.DataFrame, columns: Sequence[str]) -> pl.DataFrame:
    """Return quarantined rows as the cells of a CSV file that `read_repairs` reads.

    Args:
        rows: Rows of the quarantine whose source row was kept.
        columns: The source rows' own columns.
    """
    own = split_jsonl(rows[ROW], tuple(columns))[RAW].struct.unnest().rename(lambda name: _FIELD + name)
    return without_formulas(pl.concat([rows.select(*_ABOUT), own], how="horizontal"))


def read_repairs(path: Path) -> pl.DataFrame:
    """Read repaired rows from a file: table, source_file, source_row, row (one JSON object).

    Raises:
        NotFound: There is no such file.
        ConfigurationError: It is of another type.
        DataRefused: It is none that `write_rows` wrote, or it names a row twice.
    """
    require_suffix(path)
    if not path.is_file():
        raise NotFound("no such file of repaired rows", seen=str(path), do="make one: nightschool quarantine export")
    try:
        rows = _from_csv(path) if path.suffix == ".csv" else _from_jsonl(path)
    except (PolarsError, UnicodeDecodeError) as error:
        raise DataRefused(f"{path.name} cannot be read", seen=str(error).splitlines()[0], do=_DO) from error
    rows = rows.with_columns(pl.col(SOURCE_ROW).cast(pl.Int64, strict=False))
    incomplete = rows.with_row_index("line", offset=1).filter(pl.any_horizontal(cs.all().is_null()))
    if incomplete.height:
        raise DataRefused(f"{path.name} holds what is no quarantined row", seen=f"row {incomplete['line'][0]}", do=_DO)
    twice = rows.filter(pl.struct(PLACE).is_duplicated())
    if twice.height:
        raise DataRefused(f"{path.name} holds a row twice", seen=name_of(twice), do="keep one of them")
    return rows


def name_of(rows: pl.DataFrame) -> str:
    """Return the name of the first row for error messages."""
    table, file, row = rows.select(PLACE).row(0)
    return f"{table} {file} row {row}"


def require_suffix(path: Path) -> None:
    """Check that the file's suffix is one that rows can be written to and read from.

    Raises:
        ConfigurationError: They cannot.
    """
    if path.suffix not in {".jsonl", ".csv"}:
        raise ConfigurationError("unknown file type", seen=path.name, do="end the name in .jsonl or .csv")


def _from_jsonl(path: Path) -> pl.DataFrame:
    split = split_jsonl(to_lines(path.read_text(encoding="utf-8").encode()), (*PLACE, ROW))
    is_object = pl.col(ROW).str.starts_with("{")
    return split[RAW].struct.unnest().select(*PLACE, pl.when(is_object).then(ROW).alias(ROW))


def _from_csv(path: Path) -> pl.DataFrame:
    cells = pl.read_csv(path, infer_schema=False, glob=False)
    own = [name for name in cells.columns if name.startswith(_FIELD)]
    if missing := [name for name in PLACE if name not in cells.columns] or ([] if own else [f"{_FIELD}…"]):
        columns = ", ".join(cells.columns[:10])
        raise DataRefused(f"{path.name} lacks columns {', '.join(missing)}", seen=f"columns {columns}", do=_DO)
    cells = with_formulas(cells)
    return pl.concat(_with_json(part, own) for part in cells.partition_by(TABLE, SOURCE_FILE, maintain_order=True))


def _with_json(cells: pl.DataFrame, own: Sequence[str]) -> pl.DataFrame:
    """Encode the filled columns of one source file's rows as one JSON object a row."""
    filled = [pl.col(name).alias(name.removeprefix(_FIELD)) for name in own if cells[name].count()]
    row = pl.struct(filled).struct.json_encode() if filled else pl.lit("{}")
    return cells.select(*PLACE, row.alias(ROW))
