import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from nightschool.columns import SOURCES
from nightschool.errors import Busy
from nightschool.settings import HomePaths
from nightschool.storage.home import Home
from nightschool.storage.lake import Lake
from nightschool.storage.upkeep import KEPT, size_of_night, sizes, tidy_prefect, tidy_tables
from tests.privacy.users import TEXTS, users_home

NOW = datetime(2026, 11, 28, tzinfo=UTC)


@pytest.fixture
def opened(tmp_path: Path) -> Home:
    return users_home(tmp_path / "home", TEXTS)


def prefect(folder: Path) -> Path:
    """Runs that ended at several times, each with a task."""
    folder.mkdir()
    with closing(sqlite3.connect(folder / "prefect.db")) as connection:
        connection.execute("CREATE TABLE flow_run (id TEXT PRIMARY KEY, end_time DATETIME)")
        connection.execute("CREATE TABLE task_run (flow_run_id TEXT REFERENCES flow_run (id) ON DELETE CASCADE)")
        connection.execute("CREATE TABLE log (timestamp DATETIME)")
        for days in (0, 89, 91, 400):
            at = (NOW - timedelta(days=days)).strftime("%Y-%m-%d %H:%M:%S.%f")
            connection.execute("INSERT INTO flow_run VALUES (?, ?)", (str(days), at))
            connection.execute("INSERT INTO task_run VALUES (?)", (str(days),))
            connection.execute("INSERT INTO log VALUES (?)", (at,))
        connection.execute("INSERT INTO flow_run VALUES ('running', NULL)")
        connection.commit()
    return folder


def test_runs_of_prefect_stay_for_ninety_days(tmp_path: Path) -> None:
    folder = prefect(tmp_path / "prefect")
    tidy_prefect(folder, NOW)
    with closing(sqlite3.connect(folder / "prefect.db")) as connection:
        kept = {name for (name,) in connection.execute("SELECT id FROM flow_run")}
        assert kept == {"0", "89", "running"}
        assert connection.execute("SELECT count(*) FROM task_run").fetchone() == (2,)
        assert connection.execute("SELECT count(*) FROM log").fetchone() == (2,)
    assert timedelta(days=90) == KEPT


def test_a_database_that_is_in_use_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = prefect(tmp_path / "prefect")
    monkeypatch.setattr("nightschool.storage.upkeep._PATIENCE_SECONDS", 0.1)
    with closing(sqlite3.connect(folder / "prefect.db", isolation_level=None)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        with pytest.raises(Busy, match="cannot be tidied"):
            tidy_prefect(folder, NOW)


def test_a_table_of_many_files_is_joined_and_reads_the_same(opened: Home) -> None:
    lake: Lake = opened.lake
    row = pl.DataFrame(schema=lake.schema(SOURCES)).clear(1)
    for _ in range(40):
        lake.append(SOURCES, row)
    before = lake.scan(SOURCES).collect()
    tidy_tables(lake)
    assert lake.scan(SOURCES).collect().equals(before)
    assert (opened.paths.lake / "sources" / "_delta_log" / "_last_checkpoint").exists()


def test_the_size_of_a_home_is_that_of_its_files(opened: Home) -> None:
    paths: HomePaths = opened.paths
    everything = sum(file.stat().st_size for file in paths.root.rglob("*") if file.is_file())
    assert sum(sizes(paths).values()) == everything
    (first, second) = opened.releases.stored()
    assert 0 < size_of_night(paths, first) <= everything - size_of_night(paths, second)
