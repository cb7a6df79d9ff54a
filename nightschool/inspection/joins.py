"""Overlaps of two files: ids that occur in both, or equal rows."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import polars as pl

from nightschool.columns import REASON
from nightschool.data.normalization.parse_values import to_text
from nightschool.data.readers.parsing import RAW
from nightschool.data.readers.source_format import Reading, SourceFormat
from nightschool.data.readers.sources import SourceFile

_MOST_ROWS: Final = 5_000_000
"""Rows after which an id that was not found counts as missing."""


def shares_known(
    wanted: Mapping[str, pl.Series], files: Sequence[SourceFile], kind: SourceFormat, columns: Sequence[str]
) -> dict[tuple[str, str], float]:
    """Measure what share of the wanted ids each column of the files holds.

    The files are read on from the sample until all ids are found: the first rows do not show whether ids join.

    Args:
        wanted: Name to ids as text, one a row of the interactions.
        files: Files of one form.
        kind: Their form.
        columns: Columns that may hold the ids.

    Returns:
        Name and column to the share of rows whose id was found.

    Raises:
        NotFound: A file is gone, or cannot be read now.
        DataRefused: A file cannot be read to that point.
    """
    counts = {name: ids.drop_nulls().alias("id").value_counts() for name, ids in wanted.items()}
    pairs = [(name, column) for name in counts for column in columns]
    found = {(name, column): pl.repeat(False, counts[name].height, eager=True) for name, column in pairs}
    for rows in _rows(files, kind, columns):
        ids = {column: to_text(rows[column]).implode() for column in columns}
        found = {
            (name, column): known | counts[name]["id"].is_in(ids[column]) for (name, column), known in found.items()
        }
        if all(known.all() for known in found.values()):
            break
    return {
        (name, column): float(counts[name]["count"].filter(known).sum() / max(len(wanted[name]), 1))
        for (name, column), known in found.items()
    }


def shares_repeated(
    marks: Mapping[str, pl.Series], files: Sequence[SourceFile], kind: SourceFormat, columns: Sequence[str]
) -> dict[str, float]:
    """Measure what share of rows, given as hashes of these columns, the files hold too.

    Raises:
        NotFound: A file is gone, or cannot be read now.
        DataRefused: A file cannot be read.
    """
    found = {name: pl.repeat(False, len(rows), eager=True) for name, rows in marks.items()}
    for rows in _rows(files, kind, columns):
        hashes = rows.hash_rows().implode()
        found = {name: known | marks[name].is_in(hashes) for name, known in found.items()}
    return {name: float(known.sum() / len(known)) for name, known in found.items()}


def _rows(files: Sequence[SourceFile], kind: SourceFormat, columns: Sequence[str]) -> Iterator[pl.DataFrame]:
    """Yield the readable rows of the files, block by block, up to a limit."""
    n_rows = 0
    for file in files:
        for block in Reading(file, kind, tuple(columns)).batches():
            rows = block.filter(pl.col(REASON).is_null())[RAW].struct.unnest()
            yield rows.select(columns)
            n_rows += rows.height
            if n_rows > _MOST_ROWS:
                return
