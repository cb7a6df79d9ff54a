"""Sparse matrices in scipy's .npz files to raw rows, in blocks, without ever being dense."""

import io
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final, Literal, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import AfterValidator, Field, NonNegativeInt, model_validator

from nightschool.data.readers.heads import FileStart
from nightschool.data.readers.parsing import RAW, no_faults
from nightschool.data.readers.source_format import Names, Sample, WholeFile, require_columns
from nightschool.data.readers.sources import SourceFile, open_source, require_moderate
from nightschool.errors import DataRefused

_BLOCK_VALUES: Final = 500_000
_KINDS: Final = frozenset(map(np.dtype, ("?", "b", "h", "i", "q", "B", "H", "I", "Q", "f", "d")))
"""The numbers that a matrix may hold: whole ones, and those of 32 and 64 bits."""

_DAMAGE: Final = (
    *(ValueError, TypeError, KeyError, OSError, EOFError, RuntimeError, MemoryError),
    *(zipfile.BadZipFile, zlib.error),
)
"""What the readers of archives and arrays raise on bytes that are none."""

_ROW: Final = "row"
_COLUMN: Final = "column"
_VALUE: Final = "value"
_PLACE: Final = " place"
"""The number of the row; the blank keeps it apart from the names of lists."""


def _first_before_last(columns: tuple[int, int]) -> tuple[int, int]:
    if columns[0] > columns[1]:
        raise ValueError("give the first column of a range before its last")
    return columns


Columns = Annotated[tuple[NonNegativeInt, NonNegativeInt], AfterValidator(_first_before_last)]
"""The first and the last of a range of columns, counted from 0."""


class Csr(WholeFile):
    """A scipy .npz file of a sparse matrix in CSR form, taken whole; its rows and columns are counted from 0.

    Read as one row for each value that is not zero, with the columns `row`, `column` and `value`; with `lists`, as one
    row for each row of the matrix, with the column `row` and those lists.
    """

    kind: Literal["csr"]
    id: int | None = Field(
        default=None, ge=0, description="Column whose value replaces `row`; default: the row number."
    )
    columns: Columns | None = Field(default=None, description="The columns that are read; default: all but the id's.")
    lists: Mapping[str, Columns] = Field(default={}, description="List to the columns whose numbers it holds, if set.")

    @model_validator(mode="after")
    def _values_or_lists(self) -> Self:
        if self.lists and self.columns:
            raise ValueError("give columns to read one row per value, or lists to read one row per matrix row")
        if "row" in self.lists:
            raise ValueError("give the list another name than row")
        return self

    def rows(self, file: SourceFile, needed: Names) -> Iterator[pl.DataFrame]:
        """Yield frames of raw, reason, detail, row: a row a value that is not zero, or with lists a row of the matrix.

        Raises:
            NotFound: The file is gone.
            DataRefused: It is no CSR matrix of numbers, or has no such column.
        """
        return csr_rows(file, self, needed)

    @classmethod
    def guess(cls, start: FileStart) -> Sample | None:
        """Refuse files of arrays: nothing in them says what their columns mean.

        Raises:
            DataRefused: The file's name is that of NumPy's arrays.
        """
        if start.file.path.suffix == ".npz":
            do = 'a sparse matrix of scipy can be read with kind = "csr", but does not say what its columns mean'
            raise DataRefused(f"{start.file.name} holds NumPy arrays: {do}")
        return None


def csr_rows(file: SourceFile, kind: Csr, needed: Names) -> Iterator[pl.DataFrame]:
    """Yield frames of raw, reason, detail, row: one row per non-zero value, or with lists one per matrix row.

    Raises:
        NotFound: The file is gone.
        DataRefused: It is no CSR matrix of numbers, or has no such column.
    """
    require_columns(file, (_ROW, *(kind.lists or (_COLUMN, _VALUE))), needed)
    matrix = _loaded(file)
    last = max(kind.id or 0, *(columns[1] for columns in (kind.columns or (0, 0), *kind.lists.values())))
    if last >= matrix.shape[1]:
        seen, do = f"{matrix.shape[1]} columns", "count the columns from 0 in the manifest's format"
        raise DataRefused(f"{file.name} has no column {last}", seen=seen, do=do)
    ids = _ids(matrix, kind)
    for start, stop in _blocks(matrix.indptr):
        cells = _cells(matrix, start, stop)
        rows = _lists(cells, ids[start:stop], start, kind) if kind.lists else _values(cells, ids, kind)
        yield rows.select(pl.struct(needed).alias(RAW), *no_faults())


def _loaded(file: SourceFile) -> Any:
    """Load the matrix; scipy reads its arrays without unpickling anything."""
    from scipy.sparse import load_npz

    with open_source(file) as stream:
        content = io.BytesIO(stream.read(-1))
    try:
        with zipfile.ZipFile(content) as archive:
            for member in archive.infolist():
                require_moderate(file, member.file_size, member.compress_size)
        matrix = load_npz(content)
        if matrix.format != "csr" or matrix.ndim != 2 or matrix.dtype not in _KINDS:
            raise ValueError(f"a {matrix.ndim}-dimensional {matrix.format} matrix of {matrix.dtype}")
        matrix.check_format(full_check=True)
    except _DAMAGE as error:
        do = "write it with scipy.sparse.save_npz from a csr_matrix of numbers"
        raise DataRefused(f"{file.name} cannot be read as a CSR matrix", seen=str(error)[:200], do=do) from error
    matrix.sum_duplicates()
    return matrix


def _ids(matrix: Any, kind: Csr) -> pl.Series:
    """Return the id of each matrix row as text; null where its column holds nothing."""
    if kind.id is None:
        return pl.Series(np.arange(matrix.shape[0])).cast(pl.String)
    cells = matrix[:, [kind.id]].tocoo()
    known = pl.DataFrame({_PLACE: cells.coords[0].astype(np.int64), _ROW: _text(pl.Series(cells.data))})
    places = pl.DataFrame({_PLACE: np.arange(matrix.shape[0])})
    return places.join(known, on=_PLACE, how="left", maintain_order="left")[_ROW]


def _text(values: pl.Series) -> pl.Series:
    """Convert numbers to text, whole ones without a fraction: a matrix of floats may still hold ids."""
    whole = values.cast(pl.Int64, strict=False)
    is_whole = (whole.cast(pl.Float64) == values.cast(pl.Float64)).fill_null(value=False)
    return whole.cast(pl.String).zip_with(is_whole, values.cast(pl.String))


def _blocks(indptr: NDArray[np.integer[Any]]) -> Iterator[tuple[int, int]]:
    """Yield ranges of rows that hold about equally many values."""
    start, last = 0, len(indptr) - 1
    while start < last:
        stop = max(start + 1, int(np.searchsorted(indptr, indptr[start] + _BLOCK_VALUES, side="right")) - 1)
        stop = min(stop, start + _BLOCK_VALUES)
        yield start, stop
        start = stop


def _cells(matrix: Any, start: int, stop: int) -> pl.DataFrame:
    """Return the non-zero values of some rows, with their rows and columns."""
    first, last = matrix.indptr[start], matrix.indptr[stop]
    places = np.repeat(np.arange(start, stop), np.diff(matrix.indptr[start : stop + 1]))
    columns = matrix.indices[first:last].astype(np.int64)
    cells = pl.DataFrame({_PLACE: places, _COLUMN: columns, _VALUE: matrix.data[first:last]})
    return cells.filter(pl.col(_VALUE).cast(pl.Float64) != 0)


def _values(cells: pl.DataFrame, ids: pl.Series, kind: Csr) -> pl.DataFrame:
    is_read = pl.col(_COLUMN).is_between(*kind.columns) if kind.columns else pl.col(_COLUMN).ne_missing(kind.id)
    cells = cells.filter(is_read)
    row, value = ids.gather(cells[_PLACE]).alias(_ROW), _text(cells[_VALUE]).alias(_VALUE)
    return cells.select(row, pl.col(_COLUMN).cast(pl.String), value)


def _lists(cells: pl.DataFrame, ids: pl.Series, start: int, kind: Csr) -> pl.DataFrame:
    rows = pl.DataFrame({_PLACE: np.arange(start, start + len(ids)), _ROW: ids})
    for name, columns in kind.lists.items():
        numbers = pl.col(_COLUMN).cast(pl.String).alias(name)
        chosen = cells.filter(pl.col(_COLUMN).is_between(*columns)).group_by(_PLACE, maintain_order=True).agg(numbers)
        rows = rows.join(chosen, on=_PLACE, how="left", maintain_order="left")
        rows = rows.with_columns(pl.col(name).fill_null([]))
    return rows
