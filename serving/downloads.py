"""Tables of a release, and of the home, as files to download, streamed block by block."""

import tempfile
from collections.abc import Iterator
from typing import Final, Literal, NamedTuple

import polars as pl
import polars.selectors as cs
import pyarrow as pa
import pyarrow.parquet as pq

from nightschool.columns import (
    BATCHES,
    INTERACTIONS,
    ITEMS,
    NIGHTS,
    RELEASE_TABLES,
    RELEASES,
    SHOWN,
    SOURCES,
    USER_ID,
    USERS,
    Table,
)
from nightschool.errors import NotFound
from nightschool.settings import HomePaths
from nightschool.storage.binding import get_binding
from nightschool.storage.lake import Lake
from nightschool.storage.quarantine.spreadsheets import without_formulas
from nightschool.storage.release import Release
from nightschool.storage.releases import Releases

Format = Literal["csv", "parquet"]

MEDIA_TYPES: Final[dict[Format, str]] = {
    "csv": "text/csv; charset=utf-8",
    "parquet": "application/vnd.apache.parquet",
}
HOME_TABLES: Final = (INTERACTIONS, ITEMS, USERS, SHOWN, SOURCES, BATCHES, NIGHTS, RELEASES)
"""Tables that belong to no release: what nights read and wrote down."""

BLOCK_ROWS: Final = 100_000
"""Rows that are in memory at once."""

_BLOCK_BYTES: Final = 1_000_000
_IN_MEMORY_BYTES: Final = 8_000_000


class Download(NamedTuple):
    """A table that can be downloaded.

    Attributes:
        rows: How many rows it has, one of a release when that was made.
        names_users: Whether its rows name users.
    """

    table: Table
    rows: int
    names_users: bool


def downloads_of(release: Release) -> list[Download]:
    """List the tables of a release that have rows, in the order in which the docs have them."""
    counts = release.row_counts
    return [
        Download(table, counts[table.name], USER_ID in table.columns)
        for table in RELEASE_TABLES
        if counts.get(table.name)
    ]


def home_downloads(lake: Lake) -> list[Download]:
    """List the tables of the home that have rows."""
    counts = [(table, lake.scan(table).select(pl.len()).collect().item()) for table in HOME_TABLES]
    return [Download(table, rows, USER_ID in table.columns) for table, rows in counts if rows]


def find_download(lake: Lake, release_id: str, name: str) -> Download:
    """Return a table of a release whose tables are whole, or of the home.

    Args:
        lake: The tables.
        release_id: The release; empty for a table of the home.
        name: The table's name.

    Raises:
        NotFound: There is no such release or table, or its tables were pruned.
    """
    offered = downloads_of(Releases(lake).whole(release_id)) if release_id else home_downloads(lake)
    found = next((each for each in offered if each.table.name == name), None)
    if found is None:
        raise NotFound("there is no such table", seen=name, do="choose one of /operator/tables")
    return found


def file_name(paths: HomePaths, release_id: str, table: str, kind: Format) -> str:
    """Return the name of a downloaded file: dataset-release-table.kind.

    Args:
        paths: The home's files.
        release_id: The release; empty for a table of none.
        table: The name of the table.
        kind: The format.
    """
    words = "".join(mark if mark.isascii() and mark.isalnum() else "_" for mark in get_binding(paths.binding).dataset)
    return "-".join(part for part in (words, release_id, table) if part) + f".{kind}"


def table_blocks(rows: pl.LazyFrame, kind: Format) -> Iterator[bytes]:
    """Yield the bytes of a table as a file; what is in memory at once does not grow with the table.

    A file of Parquet is written whole first, beyond a few megabytes in the system's folder of temporary files.

    Texts in CSV that a spreadsheet would run as a formula begin with a ', and lists are one text, separated by a ;.

    Args:
        rows: The table.
        kind: The format of the file.
    """
    return _csv_blocks(rows) if kind == "csv" else _parquet_blocks(rows)


def row_blocks(rows: pl.LazyFrame) -> Iterator[pl.DataFrame]:
    """Yield the rows of a table in order, `BLOCK_ROWS` at a time; polars' own batches read most of a table ahead."""
    total = rows.select(pl.len()).collect().item()
    for start in range(0, total, BLOCK_ROWS):
        yield rows.slice(start, BLOCK_ROWS).collect(engine="streaming")


def _csv_blocks(rows: pl.LazyFrame) -> Iterator[bytes]:
    rows = rows.with_columns(cs.list().list.eval(pl.element().cast(pl.String)).list.join(";"))
    yield rows.head(0).collect().write_csv().encode()
    for block in row_blocks(rows):
        yield without_formulas(block).write_csv(include_header=False).encode()


def _parquet_blocks(rows: pl.LazyFrame) -> Iterator[bytes]:
    # A file of Parquet can be read from its end alone, so it is whole before its first byte leaves.
    with tempfile.SpooledTemporaryFile(_IN_MEMORY_BYTES) as file:
        schema = _arrow(rows.head(0).collect()).schema
        with pq.ParquetWriter(file, schema, compression="zstd") as writer:
            for block in row_blocks(rows):
                writer.write_table(_arrow(block))
        file.seek(0)
        while part := file.read(_BLOCK_BYTES):
            yield part


def _arrow(block: pl.DataFrame) -> pa.Table:
    return block.to_arrow(compat_level=pl.CompatLevel.oldest())
