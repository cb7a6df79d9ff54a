"""Parquet files to raw rows, in blocks, whatever types their columns have."""

from collections.abc import Iterator
from typing import Final, Literal

import polars as pl
from polars.exceptions import PanicException, PolarsError

from nightschool.data.readers.heads import SAMPLE_ROWS, FileStart
from nightschool.data.readers.parsing import RAW, no_faults
from nightschool.data.readers.source_format import Names, Sample, WholeFile, require_columns
from nightschool.data.readers.sources import SourceFile
from nightschool.errors import DataRefused

_BLOCK_ROWS: Final = 500_000

_FIRST_SECOND: Final = -62_135_596_800
_LAST_SECOND: Final = 253_402_300_799
"""Of the years 1 and 9999, beyond which polars can neither show an instant nor Python hold it."""
_A_SECOND: Final = {"ms": 10**3, "us": 10**6, "ns": 10**9}


_MAGIC: Final = b"PAR1"
_DAMAGED: Final = (PolarsError, PanicException)
"""What reading a damaged file raises; over some damages within a page, polars panics."""


class Parquet(WholeFile):
    """A Parquet file."""

    kind: Literal["parquet"]

    def rows(self, file: SourceFile, needed: Names) -> Iterator[pl.DataFrame]:
        """Yield frames of raw, reason, detail, row with the needed columns.

        Raises:
            DataRefused: It is no Parquet file, lacks a column, or has one of another type.
        """
        return parquet_rows(file, needed)

    def lacking(self, file: SourceFile, columns: Names) -> Names:
        """Return which of the columns the file does not have; none where it cannot be read."""
        if not columns:
            return ()
        try:
            named = pl.scan_parquet(file.path, glob=False).collect_schema().names()
        except (*_DAMAGED, FileNotFoundError):
            return ()
        return tuple(name for name in columns if name not in named)

    def count_rows(self, file: SourceFile) -> int:
        """Return the number of rows that the file says it holds; 0 where it cannot be read."""
        try:
            return int(pl.scan_parquet(file.path, glob=False).select(pl.len()).collect().item())
        except _DAMAGED:
            return 0

    @classmethod
    def guess(cls, start: FileStart) -> Sample | None:
        """Return the first rows of a file that begins as Parquet files do.

        Raises:
            DataRefused: It cannot be read, or holds no rows.
        """
        file = start.file
        if not start.signature.startswith(_MAGIC):
            return None
        try:
            scan = pl.scan_parquet(file.path, glob=False)
            rows = scan.head(SAMPLE_ROWS + 1).collect()
        except _DAMAGED as error:
            raise DataRefused(f"{file.name} cannot be read as a Parquet file: {str(error)[:100]}") from error
        if rows.is_empty():
            raise DataRefused(f"{file.name} holds no rows")
        return Sample(file, cls(kind="parquet"), rows.head(SAMPLE_ROWS), rows.height <= SAMPLE_ROWS)


def parquet_rows(file: SourceFile, needed: Names) -> Iterator[pl.DataFrame]:
    """Yield frames of raw, reason, detail, row; raw holds numbers, text, flags, instants, lists and structs.

    Bytes are taken as UTF-8 and durations as seconds; an instant beyond the years 1 and 9999 becomes their end.

    Raises:
        DataRefused: It is no Parquet file, lacks a column, or has one of another type.
    """
    try:
        scan = pl.scan_parquet(file.path, glob=False)
        schema = scan.collect_schema()
        require_columns(file, tuple(schema.names()), needed)
        plain = pl.struct(_plain(file, name, schema[name]) for name in needed)
        rows = scan.select(plain.alias(RAW), *no_faults())
        for start in range(0, scan.select(pl.len()).collect().item(), _BLOCK_ROWS):
            yield rows.slice(start, _BLOCK_ROWS).collect()
    except _DAMAGED as error:
        seen = " ".join(str(error).split())[:200]
        raise DataRefused(f"{file.name} cannot be read as a Parquet file", seen=seen, do="export it again") from error


def _plain(file: SourceFile, name: str, dtype: pl.DataType) -> pl.Expr:
    """Convert a column to a type that can be read as text and written as JSON."""
    column = pl.col(name)
    if isinstance(dtype, pl.Datetime) and dtype.time_unit != "ns":
        return _between_the_years(column, dtype, seconds=1, units=_A_SECOND[dtype.time_unit])
    if isinstance(dtype, pl.Date):
        return _between_the_years(column, dtype, seconds=86_400, units=1)
    if isinstance(dtype, pl.Duration):
        return column.cast(pl.Int64) / _A_SECOND[dtype.time_unit]
    if isinstance(dtype, pl.Binary):
        return column.cast(pl.String)
    if not (_is_plain(dtype) or isinstance(dtype, pl.Datetime | pl.Time)):
        do = "write it as text, numbers, instants or lists of text"
        raise DataRefused(f"Column {name} of {file.name} cannot be read", seen=f"its type {dtype}", do=do)
    return column.arr.to_list() if isinstance(dtype, pl.Array) else column


def _between_the_years(column: pl.Expr, dtype: pl.DataType, *, seconds: int, units: int) -> pl.Expr:
    """Clip instants, stored as so many units for so many seconds, to the years that can be represented."""
    first, last = (pl.lit(end // seconds * units).cast(dtype) for end in (_FIRST_SECOND, _LAST_SECOND))
    return column.clip(first, last)


def _is_plain(dtype: pl.DataType) -> bool:
    if isinstance(dtype, pl.List | pl.Array):
        return isinstance(dtype.inner, pl.DataType) and _is_plain(dtype.inner)
    if isinstance(dtype, pl.Struct):
        return all(isinstance(field.dtype, pl.DataType) and _is_plain(field.dtype) for field in dtype.fields)
    return dtype.is_numeric() or isinstance(dtype, pl.String | pl.Boolean | pl.Categorical | pl.Enum | pl.Null)
