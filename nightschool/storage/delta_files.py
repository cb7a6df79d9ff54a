"""The Parquet files of a Delta table, read below any path."""

from pathlib import Path
from typing import Any
from urllib.parse import unquote

import polars as pl
from deltalake import DeltaTable

from nightschool.columns import RELEASE_ID


def table_files(stored: DeltaTable, release_id: str | None = None) -> list[Path]:
    """Return the table's Parquet files, or those of one release; Delta names them by percent-encoded addresses."""
    of_release = None if release_id is None else [(RELEASE_ID, "=", release_id)]
    return [Path(unquote(uri)) for uri in stored.file_uris(file_pruning_predicate=of_release)]


def scan_table(stored: DeltaTable, release_id: str | None) -> pl.LazyFrame:
    """Return the rows of the version that is open, or those of one release.

    polars' own reader of Delta takes the files' addresses for patterns, and `name=value` in a path for a partition.
    """
    schema = pl.Schema(stored.schema())
    columns = pl.Schema(
        {name: dtype for name, dtype in schema.items() if name not in stored.metadata().partition_columns}
    )
    if len(columns) == len(schema):
        return _scan_files(table_files(stored), schema)
    files: dict[str, list[Path]] = {}
    for file in table_files(stored, release_id):
        files.setdefault(file.parent.name.partition("=")[2], []).append(file)
    parts = [_scan_files(found, columns).with_columns(pl.lit(each).alias(RELEASE_ID)) for each, found in files.items()]
    return pl.concat(parts).select(schema.names()) if parts else pl.LazyFrame(schema=schema)


def _scan_files(files: list[Path], schema: pl.Schema) -> pl.LazyFrame:
    if not files:
        return pl.LazyFrame(schema=schema)
    options: dict[str, Any] = {"missing_columns": "insert", "extra_columns": "ignore"}
    return pl.scan_parquet(files, schema=schema, glob=False, hive_partitioning=False, **options)
