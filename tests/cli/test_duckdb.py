"""The tables of a home as another engine reads them: DuckDB, over the files that the Delta logs name."""

import duckdb
import polars as pl
import pytest
from deltalake import DeltaTable
from polars.testing import assert_frame_equal

from nightschool import columns
from nightschool.application.home import open_home
from nightschool.columns import RELEASE_ID, Table
from nightschool.storage.lake import Lake
from tests.cli.conftest import Published

TABLES = [each for each in vars(columns).values() if isinstance(each, Table)]


def in_duckdb(lake: Lake, table: Table) -> pl.DataFrame:
    """The table's rows as DuckDB reads its files; the release is in the name of their folder."""
    stored = DeltaTable(lake.root / table.name)
    files = [uri.removeprefix("file://") for uri in stored.file_uris()]
    if not files:
        return pl.DataFrame(schema=pl.Schema(stored.schema()))
    partitioned = bool(stored.metadata().partition_columns)
    found: pl.DataFrame = duckdb.read_parquet(files, union_by_name=True, hive_partitioning=partitioned).pl()
    return found


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_duckdb_reads_the_same_rows(table: Table, reading: Published) -> None:
    lake = open_home().lake
    if not lake.exists(table):
        pytest.skip("this home has no such table")
    own = lake.scan(table).collect()
    other = in_duckdb(lake, table)
    names = [name for name in own.columns if name in other.columns]
    assert [name for name in own.columns if name not in other.columns and own[name].null_count() < own.height] == []
    assert_frame_equal(
        own.select(names).with_columns(_plain(own, names)),
        other.select(names).cast(dict(own.select(names).schema)).with_columns(_plain(own, names)),  # type: ignore[arg-type]
        check_row_order=False,
    )
    assert not table.released or RELEASE_ID in other.columns


def _plain(frame: pl.DataFrame, names: list[str]) -> list[pl.Expr]:
    """Lists as text: rows with lists cannot be sorted."""
    return [
        pl.col(name).cast(pl.List(pl.String)).list.join("\0")
        for name in names
        if isinstance(frame.schema[name], pl.List)
    ]
