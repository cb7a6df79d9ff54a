"""Homes of whole nights in which one person is looked for, down to the last byte."""

import base64
import binascii
import json
import shutil
import sqlite3
import zipfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

UserId = int | str


@dataclass(frozen=True)
class Place:
    """A home with one release, made by a night on a platform on which one person is known by a telling id.

    Attributes:
        home: Where it is; MLflow remembers the path, so a copy elsewhere would change the original's models.
        backup: What it was when the night had ended.
        source: The folder of the source files.
        gone: The person's id.
        others: Some other users' ids.
    """

    home: Path
    backup: Path
    source: Path
    gone: UserId
    others: tuple[UserId, ...]

    def restore(self) -> None:
        """The home is as the night left it; MLflow has its database open, which stays the same file."""
        for path in self.home.iterdir():
            if path.is_dir():
                shutil.rmtree(path)
            elif path.name != "mlflow.db":
                path.unlink()
        shutil.copytree(self.backup, self.home, dirs_exist_ok=True)


def rename_users(source: Path, folder: Path, prefix: UserId) -> None:
    """Writes the simulated platform with other ids: what precedes a text, or is added to a number."""
    own = pl.col("user_id")
    name = pl.lit(prefix) + own.str.zfill(6) + "-zq" if isinstance(prefix, str) else own.cast(pl.Int64) + prefix
    for file in ("users.csv", "engagements.csv"):
        pl.read_csv(source / file, infer_schema=False).with_columns(name.alias("user_id")).write_csv(folder / file)
    shutil.copy(source / "content.csv", folder)


def places_of(home: Path, user_id: UserId) -> list[str]:
    """Where below the home the person is named: in a file's bytes, or in what it says when it is read."""
    files = [file for file in sorted(home.rglob("*")) if file.is_file()]
    # Who reads a database takes in its log, which is gone then.
    return [str(file.relative_to(home)) for file in files if file.exists() and _names(file, user_id)]


def _names(file: Path, user_id: UserId) -> bool:
    raw = file.read_bytes()
    return any(spelled in raw for spelled in _spellings(user_id)) or any(
        str(value) == str(user_id) or (isinstance(value, str) and str(user_id) in value) for value in _values(file, raw)
    )


def _spellings(user_id: UserId) -> set[bytes]:
    text = str(user_id)
    spelled = {text.encode(), json.dumps(text)[1:-1].encode(), text.encode("utf-16-le")}
    return spelled | ({user_id.to_bytes(8, "little", signed=True)} if isinstance(user_id, int) else set())


def _values(file: Path, raw: bytes) -> Iterator[object]:
    """Every value of a file of values."""
    if file.suffix == ".parquet":
        yield from _frame_values(pl.read_parquet(file))
    elif file.suffix == ".arrow":
        yield from _frame_values(pl.read_ipc(file))
    elif raw.startswith(b"SQLite format 3"):
        yield from _database_values(file)
    elif zipfile.is_zipfile(file):
        with np.load(file, allow_pickle=False) as arrays:
            for name in arrays.files:
                yield from np.unique(arrays[name]).tolist()
    else:
        yield _decoded(raw)


def _frame_values(frame: pl.DataFrame) -> Iterator[object]:
    for column in frame:
        yield from map(str, column.unique() if not column.dtype.is_nested() else column)


def _database_values(file: Path) -> Iterator[object]:
    with closing(sqlite3.connect(file)) as connection:
        for (table,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            for row in connection.execute(f'SELECT * FROM "{table}"'):
                yield from row


def _decoded(raw: bytes) -> str:
    """What Prefect keeps of a run's result is a pickle in base64."""
    try:
        return base64.b64decode(raw, validate=False).decode("utf-8", errors="replace")
    except binascii.Error:
        return ""
