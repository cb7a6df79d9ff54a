"""Tables that hold the rows of many releases."""

from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from nightschool.columns import CANDIDATE_SCORES, ITEM_ID, RECOMMENDATIONS, RELEASE_ID, USER_ID
from nightschool.errors import NightschoolError
from nightschool.storage.lake import Lake
from tests.storage.frames import pool


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake", pl.Int64(), pl.String())


def test_replacing_a_release_twice_leaves_it_once_and_others_alone(lake: Lake) -> None:
    lake.replace_release(CANDIDATE_SCORES, "r1", pool("r1", [1, 2], ease=0.5))
    lake.replace_release(CANDIDATE_SCORES, "r2", pool("r2", [7], ease=0.5))
    for _ in range(2):
        lake.replace_release(CANDIDATE_SCORES, "r1", pool("r1", [3], ease=0.25))
    assert lake.scan(CANDIDATE_SCORES, "r1").collect()[USER_ID].to_list() == [3]
    assert lake.scan(CANDIDATE_SCORES, "r2").collect()[USER_ID].to_list() == [7]


def test_taken_files_are_the_release_however_often_they_are_taken(lake: Lake, tmp_path: Path) -> None:
    lake.replace_release(CANDIDATE_SCORES, "r2", pool("r2", [7], svd=0.5))
    lake.replace_release(CANDIDATE_SCORES, "r1", pool("r1", [9], ease=0.5))
    files = [tmp_path / "0.parquet", tmp_path / "1.parquet"]
    for file, user in zip(files, (1, 2), strict=True):
        pool("r1", [user], ease=0.5).drop(RELEASE_ID).write_parquet(file)
    for _ in range(2):
        lake.take_release(CANDIDATE_SCORES, "r1", files)
    assert lake.scan(CANDIDATE_SCORES, "r1").collect().select(USER_ID, "ease", "svd").rows() == [
        (1, 0.5, None),
        (2, 0.5, None),
    ]
    assert lake.scan(CANDIDATE_SCORES, "r2").collect()[USER_ID].to_list() == [7]
    assert all(file.exists() for file in files)
    lake.replace_release(CANDIDATE_SCORES, "r1", pool("r1", [3], ease=0.5))
    assert lake.scan(CANDIDATE_SCORES, "r1").collect()[USER_ID].to_list() == [3]


def test_files_of_another_shape_are_refused(lake: Lake, tmp_path: Path) -> None:
    pool("r1", [1]).select(USER_ID, pl.lit(1).alias("item_id")).write_parquet(tmp_path / "0.parquet")
    with pytest.raises(NightschoolError, match="column item_id of table candidate_scores has the wrong type"):
        lake.take_release(CANDIDATE_SCORES, "r1", [tmp_path / "0.parquet"])


def test_releases_with_other_components_live_in_one_table(lake: Lake) -> None:
    lake.replace_release(CANDIDATE_SCORES, "r1", pool("r1", [1], ease=0.5))
    lake.replace_release(CANDIDATE_SCORES, "r2", pool("r2", [1], svd=0.5))
    assert lake.scan(CANDIDATE_SCORES, "r1").collect().row(0, named=True) == {
        RELEASE_ID: "r1",
        USER_ID: 1,
        ITEM_ID: "i",
        "ease": 0.5,
        "svd": None,
    }


def test_an_empty_release_can_be_written(lake: Lake) -> None:
    empty = lake.scan(RECOMMENDATIONS).collect()
    lake.replace_release(RECOMMENDATIONS, "r1", empty)
    assert lake.exists(RECOMMENDATIONS)
    assert_frame_equal(lake.scan(RECOMMENDATIONS, "r1").collect(), empty)


def test_rows_of_another_release_are_refused(lake: Lake) -> None:
    with pytest.raises(NightschoolError, match="belong to another release; saw 'r2'"):
        lake.replace_release(CANDIDATE_SCORES, "r1", pool("r2", [1]))


@pytest.mark.parametrize("release_id", ["", "a' OR '1' = '1", "../x", ".hidden", "a" * 65, "a\n"])
def test_a_malformed_release_id_never_reaches_sql_or_the_disk(lake: Lake, release_id: str) -> None:
    with pytest.raises(NightschoolError, match="malformed release id"):
        lake.replace_release(CANDIDATE_SCORES, release_id, pool(release_id, [1]))
    with pytest.raises(NightschoolError, match="malformed release id"):
        lake.drop_release(CANDIDATE_SCORES, release_id)


def test_dropping_a_release_removes_rows_and_files_and_can_be_repeated(lake: Lake) -> None:
    lake.replace_release(CANDIDATE_SCORES, "r1", pool("r1", [1]))
    lake.replace_release(CANDIDATE_SCORES, "r2", pool("r2", [2]))
    assert lake.releases(CANDIDATE_SCORES) == {"r1", "r2"}
    for _ in range(2):
        lake.drop_release(CANDIDATE_SCORES, "r1")
    assert lake.releases(CANDIDATE_SCORES) == {"r2"}
    assert lake.scan(CANDIDATE_SCORES).collect()[USER_ID].to_list() == [2]
