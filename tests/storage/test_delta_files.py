from pathlib import Path

import polars as pl
import pytest
from deltalake import DeltaTable, write_deltalake

from nightschool.columns import RELEASE_ID
from nightschool.storage.delta_files import scan_table, table_files

ROWS = pl.DataFrame({"item": [1, 2, 3], RELEASE_ID: ["a", "a", "b"]})


@pytest.mark.parametrize("name", ["plain", "学习 ü", "100%", "a#b", "what?", "{x}", "a*", "key=value"])
def test_rows_come_from_the_table_alone_below_any_path(name: str, tmp_path: Path) -> None:
    table = tmp_path / name / "table"
    beside = tmp_path / name.replace("?", "s").replace("*", "bc") / "table"
    for folder in {table, beside}:
        folder.parent.mkdir(parents=True)
        write_deltalake(folder, ROWS, partition_by=[RELEASE_ID])
    stored = DeltaTable(table)
    assert scan_table(stored, None).sort("item").collect().equals(ROWS)
    assert scan_table(stored, "b").collect().equals(ROWS.filter(pl.col(RELEASE_ID) == "b"))
    assert all(file.is_file() and file.is_relative_to(table.resolve()) for file in table_files(stored))
    assert len(table_files(stored, "a")) == 1


def test_a_version_that_is_open_stays_as_it_was(tmp_path: Path) -> None:
    write_deltalake(tmp_path / "t", ROWS)
    rows = scan_table(DeltaTable(tmp_path / "t"), None)
    write_deltalake(tmp_path / "t", ROWS, mode="append")
    assert rows.collect().height == 3


def test_a_table_without_rows_has_its_columns(tmp_path: Path) -> None:
    write_deltalake(tmp_path / "t", ROWS, partition_by=[RELEASE_ID])
    DeltaTable(tmp_path / "t").delete()
    stored = DeltaTable(tmp_path / "t")
    assert scan_table(stored, None).collect().schema == ROWS.schema
    assert scan_table(stored, "a").collect().schema == ROWS.schema


def test_a_column_that_came_later_is_null_in_older_files(tmp_path: Path) -> None:
    write_deltalake(tmp_path / "t", ROWS)
    write_deltalake(tmp_path / "t", ROWS.with_columns(new=pl.lit(1)), mode="append", schema_mode="merge")
    assert scan_table(DeltaTable(tmp_path / "t"), None).collect()["new"].null_count() == 3
