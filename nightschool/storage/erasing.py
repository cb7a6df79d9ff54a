"""Rows removed for good while others read and write: in steps that are short, with longer rests between them."""

import sqlite3
from contextlib import closing
from pathlib import Path
from time import perf_counter
from typing import Final

import sqlalchemy as sa

from nightschool.storage.database import BUSY_SECONDS, alone, writing_unsynced
from nightschool.storage.sqlite_pages import overwrite_unused, rest

_STEP_SECONDS: Final = 0.01
"""How long one step may keep others waiting: one that waits asks again after 1, 3, 8, 18 and 33 ms."""

_AT_FIRST: Final = 20
_FEWEST: Final = 5
_MOST: Final = 1_000


def erase(engine: sa.Engine, table: sa.Table, rows: sa.ColumnElement[bool]) -> int:
    """Delete rows and return their number; an SQLite file then holds no byte of them.

    Others who write meanwhile wait for moments alone.

    Raises:
        Unreachable: The database does not answer, or refuses.
    """
    removed, n_next = 0, _AT_FIRST
    while True:
        n_removed, held = _erase_some(engine, table, rows, n_next)
        removed += n_removed
        if n_removed < n_next:
            break
        if engine.dialect.name == "sqlite":
            _checkpoint(engine)
        rest(held)
        n_next = min(_MOST, max(_FEWEST, int(n_next * min(2.0, _STEP_SECONDS / held))))
    if engine.dialect.name == "sqlite":
        _overwrite(engine)
    return removed


def _erase_some(engine: sa.Engine, table: sa.Table, rows: sa.ColumnElement[bool], n: int) -> tuple[int, float]:
    """Return how many of up to n rows were removed, and for how many seconds others were kept waiting."""
    key = next(iter(table.primary_key.columns))
    some = sa.select(key).where(rows).limit(n)
    with writing_unsynced(engine) as connection:
        since = perf_counter()
        n_removed = connection.execute(sa.delete(table).where(key.in_(some.scalar_subquery()))).rowcount
    return n_removed, perf_counter() - since


def _checkpoint(engine: sa.Engine) -> None:
    """Checkpoint the write-ahead log; otherwise the commit of another writer has to."""
    with alone(engine) as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(PASSIVE)")


def _overwrite(engine: sa.Engine) -> None:
    """Overwrite what an SQLite file keeps of deleted rows; vacuum where other writers leave no time for that."""
    with alone(engine) as connection:
        path = Path(str(connection.exec_driver_sql("PRAGMA database_list").all()[0][2]))
        with closing(sqlite3.connect(path, BUSY_SECONDS, isolation_level=None)) as own:
            done = overwrite_unused(path, own)
        if not done:
            connection.exec_driver_sql("VACUUM")
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
