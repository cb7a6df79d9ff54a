import io
from pathlib import Path

import polars as pl
import pytest

from nightschool.columns import METRICS, RECOMMENDATIONS, Table
from nightschool.errors import NotFound
from nightschool.settings import HomePaths
from nightschool.storage.lake import Lake
from nightschool.storage.releases import Releases
from serving.downloads import BLOCK_ROWS, downloads_of, file_name, find_download, home_downloads, table_blocks
from tests.serving.nights import FIRST, THIRD, backfill, make_nights


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return make_nights(tmp_path / "home")


def test_tables_with_rows_are_offered(lake: Lake) -> None:
    found = find_download(lake, THIRD, "recommendations")
    assert (found.table, found.rows, found.names_users) == (RECOMMENDATIONS, 7, True)
    assert not find_download(lake, FIRST, "metrics").names_users


@pytest.mark.parametrize("place", [("nothing", "metrics"), (THIRD, "quarantine"), (THIRD, "similar_users")])
def test_what_is_not_there_is_not_found(lake: Lake, place: tuple[str, str]) -> None:
    with pytest.raises(NotFound):
        find_download(lake, *place)


def test_a_release_without_rows_offers_nothing(lake: Lake) -> None:
    release_id = backfill(lake, "2026-11-25-dddddddd")
    with pytest.raises(NotFound, match="no such table"):
        find_download(lake, release_id, "metrics")


@pytest.mark.parametrize("table", [RECOMMENDATIONS, METRICS])
def test_both_formats_hold_the_same_rows(lake: Lake, table: Table) -> None:
    rows = lake.scan(table, THIRD)
    stored = rows.collect()
    parquet = pl.read_parquet(io.BytesIO(b"".join(table_blocks(rows, "parquet"))))
    assert parquet.equals(stored)
    csv = pl.read_csv(io.BytesIO(b"".join(table_blocks(rows, "csv"))), schema=stored.schema)
    assert csv.equals(stored)


def test_csv_leaves_block_by_block_with_one_header() -> None:
    n = 2 * BLOCK_ROWS + 10
    rows = pl.DataFrame({"item_id": range(n), "reason": ["=1+1"] * n}).lazy()
    blocks = list(table_blocks(rows, "csv"))
    assert blocks[0] == b"item_id,reason\n"
    assert max(block.count(b"\n") for block in blocks) <= BLOCK_ROWS
    lines = b"".join(blocks).splitlines()
    assert (len(lines), lines[1], lines[-1]) == (n + 1, b"0,'=1+1", f"{n - 1},'=1+1".encode())


def test_tables_of_the_home_are_offered_with_their_lists_as_texts(lake: Lake) -> None:
    assert [each.table.name for each in home_downloads(lake)] == ["items", "sources", "releases"]
    assert find_download(lake, "", "items").rows == 1
    rows = pl.DataFrame({"item_id": [1, 2], "skills": [["sql", "r"], None]}).lazy()
    assert b"".join(table_blocks(rows, "csv")) == b"item_id,skills\n1,sql;r\n2,\n"


def test_files_are_named_by_dataset_release_and_table(lake: Lake) -> None:
    paths = HomePaths(lake.root.parent)
    assert file_name(paths, THIRD, "metrics", "csv") == f"d-{THIRD}-metrics.csv"
    assert file_name(paths, "", "quarantine", "parquet") == "d-quarantine.parquet"


def test_tables_are_listed_in_the_order_of_the_docs(lake: Lake) -> None:
    names = [each.table.name for each in downloads_of(Releases(lake).whole(THIRD))]
    assert names == ["recommendations", "metrics"]
