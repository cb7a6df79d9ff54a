"""The addresses of files in MLflow's database, which follow a home that was moved or copied."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

NAME: Final = "nightschool"
"""What the experiment of the nights and the registered model are called."""
RUNS_PAGE: Final = "/#/experiments/1/runs"
"""Where MLflow's page lists the nights of a home's own store: their experiment is the first after MLflow's."""

VIEW: Final = "?workflowType=machine_learning"
"""Without it a first visit to MLflow's page opens on views of language models."""

_ADDRESSES: Final = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
)
"""Where MLflow keeps absolute addresses of files."""

_PATIENCE_SECONDS: Final = 60.0


def relocate(database: Path, artifact_root: Path) -> bool:
    """Return whether the database named files of another place, and now names those below `artifact_root`.

    MLflow keeps absolute addresses, which a home that was moved or copied brings along: they would lead out of it, and
    into the original. All are changed in one transaction, before anything is read or written through them. A database
    that is not next to `artifact_root` belongs to no home and stays as it is.

    Args:
        database: MLflow's SQLite file.
        artifact_root: The folder of the home that holds all artifacts.
    """
    if not database.exists() or not _is_beside(database, artifact_root):
        return False
    root = location(artifact_root)
    with closing(sqlite3.connect(database, timeout=_PATIENCE_SECONDS, isolation_level=None)) as connection:
        named = connection.execute("SELECT artifact_location FROM experiments WHERE name = ?", (NAME,)).fetchone()
        if named is None or named[0] == root:
            return False
        connection.execute("BEGIN IMMEDIATE")
        for table, column in _ADDRESSES:
            _replace_beginning(connection, table, column, named[0], root)
        # MLflow's own experiment lies below the folder in which the database happened to be made.
        outside = "UPDATE experiments SET artifact_location = ? || '/' || experiment_id WHERE experiment_id = 0"
        connection.execute(outside, (root,))
        connection.execute("COMMIT")
    return True


def run_page(run_id: str) -> str:
    """Return where MLflow's page shows a run, whichever experiment of the store it is in."""
    return f"/#/runs/{run_id}"


def artifact_page(experiment: str, run_id: str, file: str) -> str:
    """Return where MLflow's page shows a file of a run."""
    return f"/#/experiments/{experiment}/runs/{run_id}/artifacts/{file}"


def location(artifact_root: Path) -> str:
    """Return the address that MLflow keeps of the folder; the same through every link to its home."""
    return (artifact_root.parent.resolve() / artifact_root.name).as_uri()


def _is_beside(database: Path, artifact_root: Path) -> bool:
    return database.parent.resolve() == artifact_root.parent.resolve()


def _replace_beginning(connection: sqlite3.Connection, table: str, column: str, old: str, new: str) -> None:
    """Change the addresses that are `old` or lie below it."""
    change = (
        f"UPDATE {table} SET {column} = ? || substr({column}, ?) "  # noqa: S608 - names of this file
        f"WHERE {column} = ? OR substr({column}, 1, ?) = ?"
    )
    connection.execute(change, (new, len(old) + 1, old, len(old) + 1, f"{old}/"))
