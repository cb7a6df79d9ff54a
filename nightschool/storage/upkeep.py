"""Keeping a home small: files of tables joined, and what no kept release needs removed from MLflow and Prefect."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from nightschool.columns import BATCHES, INTERACTIONS, ITEMS, QUARANTINE, RELEASE_TABLES, SHOWN, SOURCES, USERS
from nightschool.errors import Busy
from nightschool.settings import HomePaths
from nightschool.storage.lake import Lake
from nightschool.storage.release import Release

KEPT: Final = timedelta(days=90)
"""How long runs stay in Prefect's and MLflow's databases whose release is gone or was never published."""

BUDGET_BYTES: Final = 1_000_000_000
"""What MLflow's and Prefect's databases may take together before `doctor` says so."""

_GROWING: Final = (USERS, ITEMS, INTERACTIONS, QUARANTINE, SOURCES, BATCHES, SHOWN)
_MANY_FILES: Final = 32
_PATIENCE_SECONDS: Final = 60.0
_OLD_IN_PREFECT: Final = (
    "DELETE FROM log WHERE timestamp < ?",
    "DELETE FROM events WHERE occurred < ?",
    "DELETE FROM event_resources WHERE occurred < ?",
    "DELETE FROM artifact WHERE created < ?",
    # Its tasks and states go along.
    "DELETE FROM flow_run WHERE end_time < ?",
)


def join_files(lake: Lake) -> None:
    """Join the files of the tables that grow by every night, and remove those that were replaced a week ago."""
    for table in _GROWING:
        lake.compact(table, _MANY_FILES)


def tidy_tables(lake: Lake) -> None:
    """Join files, and remove the entries of logs that are older than a month."""
    join_files(lake)
    for table in (*_GROWING, *RELEASE_TABLES):
        lake.trim_log(table)


def tidy_prefect(folder: Path, now: datetime) -> None:
    """Delete runs that ended more than 90 days ago from Prefect's databases.

    Raises:
        Busy: A server keeps a database busy.
    """
    before = (now.astimezone(UTC) - KEPT).strftime("%Y-%m-%d %H:%M:%S.%f")
    for database in folder.glob("*.db"):
        with closing(sqlite3.connect(database, timeout=_PATIENCE_SECONDS, isolation_level=None)) as connection:
            try:
                connection.execute("PRAGMA foreign_keys = ON")
                present = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
                for statement in (text for text in _OLD_IN_PREFECT if text.split()[2] in present):
                    connection.execute(statement, (before,))
                connection.execute("VACUUM")
            except sqlite3.OperationalError as error:
                do = "stop the Prefect server and run the command again"
                raise Busy(f"{database} cannot be tidied", seen=str(error), do=do) from error


def sizes(paths: HomePaths) -> dict[str, int]:
    """Return how many bytes each part of the home takes."""
    parts = {
        "tables": paths.lake,
        "served": paths.serving,
        "models": paths.mlflow_artifacts,
        "mlflow.db": paths.mlflow_database,
        "prefect": paths.prefect,
        "events.db": paths.events_database,
    }
    return {name: size_of(path) for name, path in parts.items()}


def size_of_night(paths: HomePaths, release: Release) -> int:
    """Return how many bytes a release takes: its part of the tables, what is served of it, and its model."""
    folders = [*paths.lake.glob(f"*/release_id={release.release_id}"), paths.serving / release.release_id]
    if release.mlflow_run_id:
        folders.append(paths.mlflow_artifacts / release.mlflow_run_id)
    return sum(map(size_of, folders))


def size_of(path: Path) -> int:
    """Return the bytes of a file, or of all files below a folder; 0 where there is none."""
    if path.is_file():
        return path.stat().st_size
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
