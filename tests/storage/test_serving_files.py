from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest
from polars.testing import assert_frame_equal

from nightschool.columns import (
    BECAUSE_ITEM_ID,
    HISTORIES,
    INSTANT,
    ITEM_ID,
    RANK,
    REASON,
    RECOMMENDATIONS,
    RELEASE_ID,
    SCORE,
    SIMILAR_ITEMS,
    SIMILAR_USERS,
    SOURCE,
    TIMESTAMP,
    USER_ID,
    Table,
)
from nightschool.storage.serving_files import ServingFile, lists_path, read_lists, write_serving_files


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


def write(serving: Path, frame: pl.DataFrame, table: Table = RECOMMENDATIONS) -> ServingFile:
    write_serving_files(serving, "r", {table.name: frame.lazy()})
    return ServingFile(lists_path(serving, "r", table))


@pytest.mark.parametrize("dtype", [pl.Int64(), pl.String()])
def test_each_user_finds_their_list_by_rank(tmp_path: Path, dtype: pl.DataType) -> None:
    shuffled = rows({9: ["a", "b"], -1: ["c"], 10: ["b", "c", "a"]}, dtype).sample(fraction=1.0, shuffle=True, seed=3)
    lists = write(tmp_path, shuffled)
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
    write(tmp_path, rows({1: ["a"], 5: ["b"]}, pl.Int64()))
    assert [ServingFile(path).of(user) for user in (0, 2, 6)] == [None, None, None]


def test_a_release_without_lists_is_readable(tmp_path: Path) -> None:
    path = lists_path(tmp_path, "r")
    write(tmp_path, rows({}, pl.Int64()))
    assert len(ServingFile(path)) == 0
    assert ServingFile(path).of(1) is None


def test_reading_maps_the_file_and_copies_nothing(tmp_path: Path) -> None:
    path = lists_path(tmp_path, "r")
    write(tmp_path, rows({user: ["a", "b"] for user in range(5000)}, pl.Int64()))
    before = pa.total_allocated_bytes()
    lists = ServingFile(path)
    assert pa.total_allocated_bytes() - before < path.stat().st_size / 10
    assert len(lists) == 5000


def test_writing_again_replaces_the_file(tmp_path: Path) -> None:
    path = lists_path(tmp_path, "r")
    write(tmp_path, rows({1: ["a"]}, pl.Int64()))
    write(tmp_path, rows({1: ["b"]}, pl.Int64()))
    found = ServingFile(path).of(1)
    assert found is not None
    assert found[ITEM_ID].to_list() == ["b"]
    assert [entry.name for entry in path.parent.iterdir()] == ["recommendations.arrow"]


@pytest.mark.parametrize("dtype", [pl.Int64(), pl.String()])
def test_the_rows_can_be_read_back_as_they_were(tmp_path: Path, dtype: pl.DataType) -> None:
    given = rows({9: ["a", "b"], -1: ["c"], 10: ["b", "c", "a"]}, dtype)
    for frame in (given, given.clear()):
        write(tmp_path, frame.sample(fraction=1.0, shuffle=True, seed=3))
        read = read_lists(lists_path(tmp_path, "r"))
        wanted = frame.drop(RELEASE_ID).sort(USER_ID, RANK)
        assert_frame_equal(read.select(wanted.columns), wanted)


def day(number: int) -> datetime:
    return datetime(2024, 5, number, 12, 30, 15, 250_001, tzinfo=UTC)


def test_histories_keep_the_order_of_their_rows(tmp_path: Path) -> None:
    pairs = [(2, "c", 2.0, day(7)), (2, "b", 1.0, day(3)), (2, "a", 3.0, day(3)), (2, "d", -5.0, None)]
    frame = pl.DataFrame(
        [*pairs, (1, "a", 0.5, None)], HISTORIES.schema(user_id=pl.Int64(), item_id=pl.String()), orient="row"
    )
    lists = write(tmp_path, frame, HISTORIES)
    assert lists.columns_of(2) == {
        ITEM_ID: ["c", "b", "a", "d"],
        SCORE: [2.0, 1.0, 3.0, -5.0],
        TIMESTAMP: [day(7), day(3), day(3), None],
    }
    assert lists.columns_of(1) == {ITEM_ID: ["a"], SCORE: [0.5], TIMESTAMP: [None]}
    found = lists.of(2)
    assert found is not None
    assert found.schema == {ITEM_ID: pl.String(), SCORE: pl.Float32(), TIMESTAMP: INSTANT}
    read = read_lists(lists_path(tmp_path, "r", HISTORIES))
    assert_frame_equal(read, frame.sort(USER_ID, maintain_order=True))
    write(tmp_path, read.filter(pl.col(ITEM_ID) != "b"), HISTORIES)
    assert read_lists(lists_path(tmp_path, "r", HISTORIES))[ITEM_ID].to_list() == ["a", "c", "a", "d"]


def test_neighbours_are_ranked_by_method_and_name_whom_they_hold(tmp_path: Path) -> None:
    alike = [
        ("r", 1, 2, "combined", 1, 0.5, 3),
        ("r", 1, 2, "interests", 1, 0.5, 3),
        ("r", 1, 7, "combined", 2, 0.25, 2),
    ]
    frame = pl.DataFrame(alike, SIMILAR_USERS.schema(user_id=pl.Int64(), item_id=pl.String()), orient="row")
    lists = write(tmp_path, frame, SIMILAR_USERS)
    assert lists.columns_of(1) == {
        "neighbor_id": [2, 7, 2],
        "method": ["combined", "combined", "interests"],
        RANK: [1, 2, 1],
        SCORE: [0.5, 0.25, 0.5],
        "support": [3, 2, 3],
    }
    assert [lists.holds_user(user) for user in (1, 2, 7, 3)] == [True, True, True, False]
    found = lists.of(1)
    assert found is not None
    assert found["method"].dtype == pl.String


def test_items_have_neighbours_in_the_order_of_their_rank(tmp_path: Path) -> None:
    near = [("r", "b", "a", 2, 0.25), ("r", "b", "c", 1, 0.5), ("r", "a", "b", 1, 0.5)]
    frame = pl.DataFrame(near, SIMILAR_ITEMS.schema(user_id=pl.Int64(), item_id=pl.String()), orient="row")
    lists = write(tmp_path, frame, SIMILAR_ITEMS)
    assert lists.columns_of("b") == {"neighbor_id": ["c", "a"], SCORE: [0.5, 0.25]}
    assert lists.keys.to_list() == ["a", "b"]
    assert not lists.holds_user("b")


ODD = ["", "a", "ab", "b", "Z", "ø", "øre", "\U0001f600", "\x00", "ø" * 5000, "10", "9"]


def test_ids_of_every_kind_are_found_in_the_order_of_their_letters(tmp_path: Path) -> None:
    lists = write(
        tmp_path,
        rows({0: ["x"]}, pl.String())
        .join(pl.DataFrame({"id": ODD}), how="cross")
        .with_columns(user_id="id", item_id="id")
        .drop("id"),
    )
    assert lists.keys.to_list() == sorted(ODD)
    for user in ODD:
        assert lists.columns_of(user)[ITEM_ID] == [user]
    assert [lists.columns_of(user) for user in ("aa", "ø" * 4999, "\ud800", "zz" * 9)] == [None] * 4


def test_numbers_beyond_64_bits_are_nobodys(tmp_path: Path) -> None:
    lists = write(tmp_path, rows({-(2**63): ["a"], 2**63 - 1: ["b"]}, pl.Int64()))
    assert [lists.columns_of(user) for user in (2**63, -(2**70), 0)] == [None] * 3
    assert lists.columns_of(2**63 - 1)[ITEM_ID] == ["b"]
