from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from nightschool.columns import CONTENT_HASHES, ERASURES, ROW_COUNTS, USER_HASH
from nightschool.errors import NightschoolError
from nightschool.storage.erasure_log import Erasure, Erasures, UserId, begin, end, noted, unfinished
from nightschool.storage.lake import Lake

NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake", pl.Int64(), pl.Int64())


@pytest.fixture
def erasures(lake: Lake) -> Erasures:
    return Erasures(lake)


def erasure(user_id: UserId, at: datetime = NOON, **rows: int) -> Erasure:
    hashes = {"r1": {name: f"hash of {count}" for name, count in rows.items()}}
    return Erasure(
        user_id=user_id, erased_at=at, removed={"users": 1}, content_hashes=hashes, row_counts={"r1": dict(rows)}
    )


def test_nobody_is_forgotten_at_first_and_nothing_is_made(erasures: Erasures, lake: Lake, tmp_path: Path) -> None:
    assert erasures.mask(pl.Series([1, None, 3])).to_list() == [False, False, False]
    assert erasures.forgotten_at(1) is None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("known", [[7, 70, -7], ["7", "seven ø", "70"]], ids=["numbers", "text"])
def test_tombstones_tell_who_must_not_come_in(erasures: Erasures, known: list[UserId]) -> None:
    first, other, second = known
    erasures.note(erasure(first))
    erasures.note(erasure(second))
    arriving = pl.Series([other, first, None, second, first])
    assert erasures.mask(arriving).to_list() == [False, True, False, True, True]
    assert erasures.mask(arriving.clear()).to_list() == []
    assert erasures.forgotten_at(first) == NOON
    assert erasures.forgotten_at(other) is None


def test_a_tombstone_names_nobody_and_another_home_has_others(lake: Lake, tmp_path: Path) -> None:
    hashes = []
    for name in ("one", "two"):
        home = Lake(tmp_path / name / "lake", pl.String(), pl.Int64())
        Erasures(home).note(erasure("ada-lovelace"))
        hashes += home.scan(ERASURES).collect()[USER_HASH].to_list()
        assert not [
            file for file in (tmp_path / name).rglob("*") if file.is_file() and b"lovelace" in file.read_bytes()
        ]
    assert len(set(hashes)) == 2


def test_the_same_erasure_is_noted_once_and_a_later_one_again(erasures: Erasures, lake: Lake) -> None:
    erasures.note(erasure(7))
    erasures.note(erasure(7))
    assert lake.scan(ERASURES).collect().height == 1
    later = NOON + timedelta(days=1)
    erasures.note(erasure(7, later))
    assert lake.scan(ERASURES).collect().height == 2
    assert erasures.forgotten_at(7) == later


def test_erasures_have_an_order_whatever_the_clock_says(erasures: Erasures) -> None:
    assert erasures.after_all(NOON) == NOON
    erasures.note(erasure(7))
    assert erasures.after_all(NOON) == erasures.after_all(NOON - timedelta(days=9)) == NOON + timedelta(microseconds=1)
    assert erasures.after_all(NOON + timedelta(days=1)) == NOON + timedelta(days=1)


def test_a_salt_that_is_gone_is_told_and_never_made_anew(erasures: Erasures, lake: Lake) -> None:
    erasures.note(erasure(7))
    (lake.root / "_salt").unlink()
    for use in (lambda: erasures.mask(pl.Series([7])), lambda: erasures.note(erasure(8))):
        with pytest.raises(NightschoolError, match=r"salt is gone.*restore the file"):
            use()
    assert not (lake.root / "_salt").exists()


def test_notes_of_a_release_come_in_the_order_of_the_erasures(erasures: Erasures, lake: Lake) -> None:
    assert noted(lake, CONTENT_HASHES, "r1") == {}
    erasures.note(erasure(8, NOON + timedelta(days=1), recommendations=5))
    erasures.note(erasure(7, recommendations=9, similar_users=2))
    assert noted(lake, ROW_COUNTS, "r1") == {"recommendations": [9, 5], "similar_users": [2]}
    assert noted(lake, CONTENT_HASHES, "r1")["recommendations"] == ["hash of 9", "hash of 5"]
    assert noted(lake, CONTENT_HASHES, "r2") == {}


@pytest.mark.parametrize("user_id", [7, "7", "a'b\n\"ø"], ids=repr)
def test_an_erasure_that_began_is_known_until_it_ends(user_id: UserId, tmp_path: Path) -> None:
    path = tmp_path / "erasure.json"
    assert unfinished(path) is None
    begin(path, erasure(user_id, recommendations=1))
    assert unfinished(path) == erasure(user_id, recommendations=1)
    (tmp_path / ".erasure.json.12ab.tmp").write_text("half")
    end(path)
    assert unfinished(path) is None
    assert list(tmp_path.iterdir()) == []


def test_who_was_forgotten_is_read_once_until_another_is(
    erasures: Erasures, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert erasures.forgotten([7, 8]) == set()
    erasures.note(erasure(7))
    scans = []
    scan = lake.scan
    monkeypatch.setattr(lake, "scan", lambda *told: scans.append(told) or scan(*told))
    assert [erasures.forgotten([7, 8, 9]) for _ in range(5)] == [{7}] * 5
    assert len(scans) == 1
    Erasures(lake).note(erasure(9, NOON + timedelta(days=1)))
    assert erasures.forgotten([7, 8, 9]) == {7, 9}
