import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from nightschool.storage.database_template import copy_template, keep_template


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "nightschool"


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "made.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE runs (id INTEGER)")
    return path


def tables(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        return [name for (name,) in connection.execute("SELECT name FROM sqlite_master")]


def test_a_database_that_was_kept_is_copied(database: Path, tmp_path: Path) -> None:
    new = tmp_path / "new.db"
    assert not copy_template("tables-1", new)
    keep_template("tables-1", database)
    assert copy_template("tables-1", new)
    assert tables(new) == ["runs"]
    assert not copy_template("tables-2", tmp_path / "other.db")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cache", "made.db", "new.db"]


def test_a_database_that_somebody_made_meanwhile_stays(database: Path, tmp_path: Path) -> None:
    keep_template("tables-1", database)
    new = tmp_path / "new.db"
    new.write_bytes(b"theirs")
    assert copy_template("tables-1", new)
    assert new.read_bytes() == b"theirs"


@pytest.mark.parametrize("content", [b"", b"not a database at all", b"SQLite format 3\0" + b"\7" * 2000])
def test_a_damaged_one_is_made_again(content: bytes, cache: Path, tmp_path: Path) -> None:
    cache.mkdir(parents=True)
    (cache / "tables-1.db").write_bytes(content)
    assert not copy_template("tables-1", tmp_path / "new.db")
    assert [path.name for path in tmp_path.iterdir()] == ["cache"]
    assert [*cache.iterdir()] == []


def test_a_machine_without_a_place_for_it_goes_without(database: Path, cache: Path, tmp_path: Path) -> None:
    cache.parent.write_text("a file where the folder should be")
    keep_template("tables-1", database)
    assert not copy_template("tables-1", tmp_path / "new.db")


@pytest.mark.parametrize("user_without_home", [True, False])
def test_a_user_without_a_home_or_with_one_that_cannot_be_entered_goes_without(
    user_without_home: bool, database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME")

    def refuse(*_: object) -> Path:
        raise RuntimeError("no home") if user_without_home else PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "home" if user_without_home else "exists", refuse)
    keep_template("tables-none", database) if user_without_home else None
    assert not copy_template("tables-none", tmp_path / "new.db")


def test_a_copy_that_cannot_be_written_leaves_the_template(database: Path, cache: Path, tmp_path: Path) -> None:
    keep_template("tables-1", database)
    assert not copy_template("tables-1", tmp_path / "missing" / "new.db")
    assert (cache / "tables-1.db").exists()


def test_a_database_that_is_in_use_is_not_kept(database: Path, cache: Path) -> None:
    keep_template("tables-1", database, empty=("runs",))
    assert (cache / "tables-1.db").exists()
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("INSERT INTO runs VALUES (1)")
    keep_template("tables-2", database, empty=("runs",))
    assert [path.name for path in cache.iterdir()] == ["tables-1.db"]


def test_what_a_killed_process_left_is_not_replayed(database: Path, tmp_path: Path) -> None:
    keep_template("tables-1", database)
    new, log = tmp_path / "new.db", tmp_path / "new.db-wal"
    log.write_bytes(b"old rows")
    assert copy_template("tables-1", new)
    assert not log.exists()
