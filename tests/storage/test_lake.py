from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from nightschool.columns import (
    AVAILABLE_AT,
    CANDIDATE_SCORES,
    ITEM_ID,
    RANK,
    RECOMMENDATIONS,
    RELEASE_ID,
    SCORE,
    SIMILAR_ITEMS,
    TITLE,
    USER_ID,
    USERS,
    WITHDRAWN,
)
from nightschool.errors import Busy, NightschoolError
from nightschool.storage.lake import Lake
from tests.storage.frames import pool, users


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake", pl.Int64(), pl.String())


def test_a_table_that_does_not_exist_is_empty_in_its_shape(lake: Lake) -> None:
    assert not lake.exists(RECOMMENDATIONS)
    assert lake.version(RECOMMENDATIONS) is None
    assert lake.releases(RECOMMENDATIONS) == set()
    frame = lake.scan(RECOMMENDATIONS, "r1").collect()
    assert frame.is_empty()
    assert frame.schema == RECOMMENDATIONS.schema(user_id=pl.Int64(), item_id=pl.String())


def test_delete_drop_and_sync_of_a_missing_table_do_nothing(lake: Lake) -> None:
    lake.delete(USERS, pl.col(USER_ID) == 1)
    lake.drop_release(RECOMMENDATIONS, "r1")
    lake.sync(RECOMMENDATIONS)
    assert not lake.exists(USERS)


def test_append_adds_rows_and_versions(lake: Lake) -> None:
    lake.append(USERS, users(1, 2))
    lake.append(USERS, users(3))
    assert lake.version(USERS) == 1
    assert_frame_equal(
        lake.scan(USERS).collect(), users(1, 2, 3, withdrawn=pl.lit(None, pl.Boolean)), check_row_order=False
    )


def test_append_puts_columns_in_the_tables_order(lake: Lake) -> None:
    lake.append(USERS, users(1, role=pl.lit("dev")).select("role", AVAILABLE_AT, USER_ID))
    assert lake.scan(USERS).collect().columns == [USER_ID, AVAILABLE_AT, WITHDRAWN, "role"]


def test_an_open_table_gains_and_keeps_columns(lake: Lake) -> None:
    lake.append(USERS, users(1))
    lake.append(USERS, users(2, role=pl.lit("dev")))
    lake.append(USERS, users(3))
    stored = lake.scan(USERS).sort(USER_ID).collect()
    assert stored["role"].to_list() == [None, "dev", None]


@pytest.mark.parametrize(
    ("frame", "says"),
    [
        (users(1).drop(AVAILABLE_AT), "lacks columns ['available_at']"),
        (users(1).cast({USER_ID: pl.String}), "column user_id of table users has the wrong type; saw String"),
        (users(1, role=pl.lit(None)), "column role of table users cannot be stored"),
        (users(1, role=pl.lit("a").cast(pl.Categorical)), "column role of table users cannot be stored"),
        (users(1, tags=pl.concat_list(pl.lit(1, pl.UInt8))), "column tags of table users cannot be stored"),
    ],
)
def test_a_frame_of_another_shape_is_refused_and_named(lake: Lake, frame: pl.DataFrame, says: str) -> None:
    with pytest.raises(NightschoolError) as error:
        lake.append(USERS, frame)
    assert says in str(error.value)
    assert not lake.exists(USERS)


def test_a_closed_table_refuses_columns_it_does_not_know(lake: Lake) -> None:
    frame = lake.scan(SIMILAR_ITEMS).collect().with_columns(extra=pl.lit(1.0))
    with pytest.raises(NightschoolError, match=r"does not know columns \['extra'\]"):
        lake.append(SIMILAR_ITEMS, frame)


def test_an_added_column_keeps_its_first_dtype(lake: Lake) -> None:
    lake.append(USERS, users(1, role=pl.lit("dev")))
    with pytest.raises(NightschoolError, match="column role of table users has the wrong type"):
        lake.append(USERS, users(2, role=pl.lit(3)))


def test_lists_of_text_survive(lake: Lake) -> None:
    frame = users(1, tags=pl.Series([["a", "b"]]))
    lake.append(USERS, frame)
    assert_frame_equal(lake.scan(USERS).drop(WITHDRAWN).collect(), frame)


def test_an_optional_column_may_be_left_out_and_comes_later(lake: Lake) -> None:
    lake.append(USERS, users(1))
    assert lake.scan(USERS).collect()[WITHDRAWN].to_list() == [None]
    lake.append(USERS, users(2, withdrawn=pl.lit(value=True)))
    assert lake.scan(USERS).sort(USER_ID).collect()[WITHDRAWN].to_list() == [None, True]


def test_delete_with_a_quoted_value_removes_only_what_it_names(lake: Lake) -> None:
    tricky = "o'hara' OR 'a' = 'a"
    lake.append(USERS, users(1, role=pl.lit(tricky)))
    lake.append(USERS, users(2, role=pl.lit("dev")))
    lake.delete(USERS, pl.col("role") == tricky)
    assert lake.scan(USERS).collect()[USER_ID].to_list() == [2]


def test_only_the_first_of_two_appends_after_the_same_version_succeeds(lake: Lake) -> None:
    assert lake.append_after(USERS, users(1), None) == 0
    with pytest.raises(Busy, match="moved on from version None; saw 'version 0'"):
        lake.append_after(USERS, users(2), None)
    assert lake.append_after(USERS, users(3), 0) == 1
    with pytest.raises(Busy, match="moved on from version 0"):
        lake.append_after(USERS, users(4), 0)
    assert sorted(lake.scan(USERS).collect()[USER_ID]) == [1, 3]


def test_sync_visits_every_file_of_a_table(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    lake.append(USERS, users(1))
    seen: list[Path] = []
    monkeypatch.setattr("nightschool.storage.durable.sync", seen.append)
    lake.sync(USERS)
    folder = lake.root / USERS.name
    assert set(seen) == {*folder.rglob("*"), folder, lake.root}
    assert folder / "_delta_log" / "00000000000000000000.json" in seen


def test_text_ids_are_stored_as_text(tmp_path: Path) -> None:
    lake = Lake(tmp_path, pl.String(), pl.Int64())
    frame = pl.DataFrame(
        {RELEASE_ID: ["r"], ITEM_ID: [1], "neighbor_id": [2], RANK: [1], SCORE: [0.5]},
        schema=lake.schema(SIMILAR_ITEMS),
    )
    lake.replace_release(SIMILAR_ITEMS, "r", frame)
    assert lake.scan(SIMILAR_ITEMS).collect_schema()[ITEM_ID] == pl.Int64
    assert TITLE not in lake.scan(SIMILAR_ITEMS).collect_schema()


def test_overwrite_leaves_what_was_scanned_of_the_table_itself(lake: Lake) -> None:
    lake.append(USERS, users(1, 2))
    lake.append(USERS, users(2, 3, role=pl.lit("dev")))
    lake.overwrite(USERS, lake.scan(USERS).filter(pl.col(USER_ID) != 2))
    assert_frame_equal(
        lake.scan(USERS).drop(WITHDRAWN).sort(USER_ID).collect(),
        pl.concat([users(1, role=pl.lit(None, pl.String)), users(3, role=pl.lit("dev"))]),
    )
    lake.overwrite(USERS, lake.scan(USERS).filter(pl.col(USER_ID) > 9))
    assert lake.scan(USERS).collect().columns == [USER_ID, AVAILABLE_AT, WITHDRAWN, "role"]
    assert lake.scan(USERS).collect().is_empty()


def test_purge_leaves_no_byte_of_rows_that_are_gone_and_the_table_goes_on(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake", pl.String(), pl.String())
    gone, stays = "gone-for-good", "somebody-else"
    for release_id in ("r1", "r2"):
        frame = pool(release_id, [1, 1], ease=0.5).with_columns(pl.Series(USER_ID, [gone, stays]))
        lake.replace_release(CANDIDATE_SCORES, release_id, frame)
    lake.drop_release(CANDIDATE_SCORES, "r1")
    lake.replace_release(CANDIDATE_SCORES, "r2", frame.filter(pl.col(USER_ID) == stays))
    version = lake.version(CANDIDATE_SCORES)
    kept = lake.scan(CANDIDATE_SCORES).collect()

    for _ in range(2):
        lake.purge(CANDIDATE_SCORES)
        assert not [file for file in lake.root.rglob("*") if file.is_file() and gone.encode() in file.read_bytes()]
        assert lake.version(CANDIDATE_SCORES) == version
        assert_frame_equal(lake.scan(CANDIDATE_SCORES).collect(), kept)
    lake.replace_release(CANDIDATE_SCORES, "r3", frame.with_columns(pl.lit("r3").alias(RELEASE_ID)))
    assert lake.scan(CANDIDATE_SCORES).collect().height == 3
    assert lake.releases(CANDIDATE_SCORES) == {"r2", "r3"}


def test_purge_of_a_missing_table_does_nothing(lake: Lake) -> None:
    lake.purge(USERS)
    assert not lake.exists(USERS)


def test_deleting_leaves_files_without_such_rows_and_rows_of_unknown_truth(lake: Lake) -> None:
    lake.append(USERS, users(1))
    lake.append(USERS, users(2, role=pl.lit("dev")))
    lake.append(USERS, users(3, role=pl.lit(None, pl.String)))
    before = {file.name for file in (lake.root / USERS.name).glob("*.parquet")}
    lake.delete(USERS, pl.col("role") == "dev")
    assert sorted(lake.scan(USERS).collect()[USER_ID]) == [1, 3]
    assert {file.name for file in (lake.root / USERS.name).glob("*.parquet")} == before
    version = lake.version(USERS)
    lake.delete(USERS, pl.col("role") == "dev")
    assert lake.version(USERS) == version


def test_joining_files_changes_no_row(lake: Lake) -> None:
    for number in range(4):
        lake.append(USERS, users(number, role=pl.lit("dev")) if number else users(number))
    rows = lake.scan(USERS).sort(USER_ID).collect()
    lake.compact(USERS, 4)
    assert lake.version(USERS) == 4
    lake.compact(USERS, 3)
    assert_frame_equal(lake.scan(USERS).sort(USER_ID).collect(), rows)
    lake.purge(USERS)
    assert len(list((lake.root / USERS.name).glob("*.parquet"))) == 1
    assert_frame_equal(lake.scan(USERS).sort(USER_ID).collect(), rows)


def test_rows_that_cannot_be_written_leave_no_file(lake: Lake) -> None:
    lake.append(USERS, users(1))

    def fail(_: pl.DataFrame) -> pl.DataFrame:
        raise ValueError("no more")

    with pytest.raises((ValueError, pl.exceptions.ComputeError), match="no more"):
        lake.append(USERS, users(2).lazy().map_batches(fail, schema=users(2).schema))
    assert len(list((lake.root / USERS.name).glob("*.parquet"))) == 1
    assert lake.version(USERS) == 0
