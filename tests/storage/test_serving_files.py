from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest
from polars.testing import assert_frame_equal

from nightschool.columns import (
    BECAUSE_ITEM_ID,
    ITEM_ID,
    RANK,
    REASON,
    RECOMMENDATIONS,
    RELEASE_ID,
    SCORE,
    SOURCE,
    USER_ID,
)
from nightschool.storage.serving_files import Lists, lists_path, read_lists, write_serving_files


def rows(lists: dict[int, list[str]], user_id: pl.DataType) -> pl.DataFrame:
    records = [
        {
            RELEASE_ID: "r",
            USER_ID: user,
            ITEM_ID: item,
            RANK: rank,
            SCORE: 1.0 / rank,
            SOURCE: "ease",
            REASON: "popular",
        }
        for user, items in lists.items()
        for rank, item in enumerate(items, start=1)
    ]
    schema = RECOMMENDATIONS.schema(user_id=pl.Int64(), item_id=pl.String())
    return pl.DataFrame(records, schema=schema).cast({USER_ID: user_id})


@pytest.mark.parametrize("dtype", [pl.Int64(), pl.String()])
def test_each_user_finds_their_list_by_rank(tmp_path: Path, dtype: pl.DataType) -> None:
    path = lists_path(tmp_path, "r")
    shuffled = rows({9: ["a", "b"], -1: ["c"], 10: ["b", "c", "a"]}, dtype).sample(fraction=1.0, shuffle=True, seed=3)
    write_serving_files(tmp_path, "r", shuffled)
    lists = Lists(path)
    assert len(lists) == 3
    for user, items in {9: ["a", "b"], -1: ["c"], 10: ["b", "c", "a"]}.items():
        found = lists.of(user if dtype == pl.Int64 else str(user))
        assert found is not None
        assert found.columns == [RANK, ITEM_ID, SCORE, SOURCE, REASON, BECAUSE_ITEM_ID]
        assert found[ITEM_ID].to_list() == items
        assert found[RANK].to_list() == list(range(1, len(items) + 1))
        assert found[SCORE].to_list() == pytest.approx([1 / rank for rank in range(1, len(items) + 1)])
        assert found[BECAUSE_ITEM_ID].null_count() == len(items)


def test_a_user_without_a_list_is_told_apart(tmp_path: Path) -> None:
    path = lists_path(tmp_path, "r")
    write_serving_files(tmp_path, "r", rows({1: ["a"], 5: ["b"]}, pl.Int64()))
    assert [Lists(path).of(user) for user in (0, 2, 6)] == [None, None, None]


def test_a_release_without_lists_is_readable(tmp_path: Path) -> None:
    path = lists_path(tmp_path, "r")
    write_serving_files(tmp_path, "r", rows({}, pl.Int64()))
    assert len(Lists(path)) == 0
    assert Lists(path).of(1) is None


def test_reading_maps_the_file_and_copies_nothing(tmp_path: Path) -> None:
    path = lists_path(tmp_path, "r")
    write_serving_files(tmp_path, "r", rows({user: ["a", "b"] for user in range(5000)}, pl.Int64()))
    before = pa.total_allocated_bytes()
    lists = Lists(path)
    assert pa.total_allocated_bytes() - before < path.stat().st_size / 10
    assert len(lists) == 5000


def test_writing_again_replaces_the_file(tmp_path: Path) -> None:
    path = lists_path(tmp_path, "r")
    write_serving_files(tmp_path, "r", rows({1: ["a"]}, pl.Int64()))
    write_serving_files(tmp_path, "r", rows({1: ["b"]}, pl.Int64()))
    found = Lists(path).of(1)
    assert found is not None
    assert found[ITEM_ID].to_list() == ["b"]
    assert [entry.name for entry in path.parent.iterdir()] == ["recommendations.arrow"]


@pytest.mark.parametrize("dtype", [pl.Int64(), pl.String()])
def test_the_rows_can_be_read_back_as_they_were(tmp_path: Path, dtype: pl.DataType) -> None:
    given = rows({9: ["a", "b"], -1: ["c"], 10: ["b", "c", "a"]}, dtype)
    for frame in (given, given.clear()):
        write_serving_files(tmp_path, "r", frame.sample(fraction=1.0, shuffle=True, seed=3))
        read = read_lists(lists_path(tmp_path, "r"))
        wanted = frame.drop(RELEASE_ID).sort(USER_ID, RANK)
        assert_frame_equal(read.select(wanted.columns), wanted)
