from pathlib import Path

import polars as pl
import pytest
from deltalake import DeltaTable

from nightschool.columns import USERS
from nightschool.storage import table_cache
from nightschool.storage.lake import Lake
from nightschool.storage.table_cache import TableCache


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    lake = Lake(tmp_path, pl.Int64(), pl.Int64())
    add(lake, 1)
    return lake


def add(lake: Lake, user: int) -> None:
    lake.append(USERS, pl.DataFrame([{"user_id": user}], schema=lake.schema(USERS)))


def ids(rows: pl.LazyFrame) -> list[int]:
    return sorted(rows.select("user_id").collect().to_series().to_list())


@pytest.mark.parametrize(("most_bytes", "n_reads"), [(1 << 20, 2), (0, 4)])
def test_each_version_of_a_small_table_is_read_once(
    lake: Lake, most_bytes: int, n_reads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads: list[int] = []
    read = table_cache.scan_table
    cache, path = TableCache(most_bytes), lake.root / USERS.name
    monkeypatch.setattr(table_cache, "scan_table", lambda stored: reads.append(stored.version()) or read(stored))
    assert [ids(cache.scan(DeltaTable(path))) for _ in range(2)] == [[1], [1]]
    add(lake, 2)
    assert [ids(cache.scan(DeltaTable(path))) for _ in range(2)] == [[1, 2], [1, 2]]
    assert len(reads) == n_reads


def test_a_lake_that_keeps_tables_sees_what_others_commit(lake: Lake) -> None:
    keeping = Lake(lake.root, pl.Int64(), pl.Int64(), keep_bytes=1 << 20)
    assert ids(keeping.scan(USERS)) == [1]
    add(lake, 2)
    assert ids(keeping.scan(USERS)) == [1, 2]
    keeping.delete(USERS, pl.col("user_id") == 1)
    assert ids(keeping.scan(USERS)) == ids(lake.scan(USERS)) == [2]
