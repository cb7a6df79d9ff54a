"""A query's rows as text, in the order of their key; the database is only read, and no message repeats its address."""

import json
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import polars as pl
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from nightschool.data.readers.addresses import (
    connection_message,
    driver_message,
    postgresql_url,
    require_address,
)
from nightschool.data.readers.parsing import RAW, no_faults
from nightschool.data.readers.source_format import Names, require_columns
from nightschool.data.readers.sources import Extent, SourceFile, changed, require_below
from nightschool.data.readers.sql import Sql
from nightschool.errors import ConfigurationError, DataRefused, NotFound, Unreachable
from nightschool.sqlite import SQLITE

_BLOCK_ROWS: Final = 50_000
_BUSY_SECONDS: Final = 60
"""How long a reader waits for a writer of an SQLite file."""

_OPENING: Final = {
    "sqlite": ("BEGIN",),
    "postgresql": ("SET LOCAL datestyle = 'ISO'", "SET LOCAL timezone = 'UTC'"),
}
"""Statements that open a consistent read, with times written as other formats write them."""


def query_rows(
    source: Sql, file: SourceFile, needed: Names, known: Extent | None
) -> Iterator[tuple[str, pl.DataFrame]]:
    """Yield frames of raw (as text), reason, detail, row beyond `known`, each with the position after it.

    All are read in one transaction that cannot write, and so from one state of the database.

    Raises:
        Unreachable: The database does not answer.
        NotFound: The SQLite file is not there.
        ConfigurationError: The address is not known, or is none.
        DataRefused: The query cannot be run or lacks a column, its key is none, or rows that were read have changed.
    """
    last, n_erased = _position(known)
    with _connected(source, file) as connection:
        rows = _result(connection, source, file, needed)
        if known and last is not None:
            _require_unchanged(connection, rows.c[source.key], file, (known.rows - n_erased, last))
        with connection.execute(_beyond(last, rows, source.key, needed)) as blocks:
            for block in blocks.partitions():
                keys, *values = zip(*block, strict=True)
                _require_key(file, source.key, keys, last)
                last = keys[-1]
                texts = pl.DataFrame(dict(zip(needed, values, strict=True)), dict.fromkeys(needed, pl.String))
                yield _written(last, n_erased), texts.select(pl.struct(needed).alias(RAW), *no_faults())


def gives_rows(source: Sql, file: SourceFile) -> bool:
    """Return whether the query gives any row.

    Raises:
        Unreachable: The database does not answer.
        NotFound: The SQLite file is not there.
        DataRefused: The query cannot be run.
    """
    with _connected(source, file) as connection:
        rows = _result(connection, source, file, ())
        return connection.execute(sa.select(rows.c[source.key]).limit(1)).first() is not None


def after_erasure(source: Sql, file: SourceFile, known: Extent) -> str:
    """Return the position after rows were erased from the source, so that the next reading does not miss them.

    Raises:
        Unreachable: The database does not answer.
        NotFound: The SQLite file is not there.
        DataRefused: The query cannot be run.
    """
    last, _ = _position(known)
    with _connected(source, file) as connection:
        rows = _result(connection, source, file, ())
        up_to = sa.select(sa.func.count()).select_from(rows).where(rows.c[source.key] <= _bound(last))
        return _written(last, known.rows - int(connection.execute(up_to).scalar_one()))


def _position(known: Extent | None) -> tuple[Any, int]:
    """Return the last key that was read, None before any was, and how many rows up to it were erased since."""
    if known is None or known.position is None:
        return None, 0
    found = json.loads(known.position)
    return (found["last"], found["erased"]) if isinstance(found, dict) else (found, 0)


def _written(last: int | str, n_erased: int) -> str:
    return json.dumps({"last": last, "erased": n_erased} if n_erased else last)


def _beyond(last: int | str | None, rows: sa.Subquery, key: str, needed: Names) -> sa.Select[Any]:
    """Select the rows after the last key, or all: their keys, and the needed columns as text, in blocks."""
    query = sa.select(rows.c[key], *(sa.cast(rows.c[name], sa.String) for name in needed)).order_by(rows.c[key])
    query = query if last is None else query.where(rows.c[key] > _bound(last))
    return query.execution_options(yield_per=_BLOCK_ROWS)


def _result(connection: sa.Connection, source: Sql, file: SourceFile, needed: Names) -> sa.Subquery:
    """Return the query as a table to select from."""
    # A colon in it is no parameter, and a comment at its end must not swallow what follows.
    query = sa.text(source.query.replace(":", r"\:") + "\n")
    nothing = sa.select(sa.text("*")).select_from(query.columns().subquery("source")).limit(0)
    require_columns(file, tuple(connection.execute(nothing).keys()), (*needed, source.key))
    names = (sa.quoted_name(name, quote=True) for name in dict.fromkeys((*needed, source.key)))
    return query.columns(*(sa.column(name) for name in names)).subquery("source")


def _bound(key: int | str) -> Any:
    """Return a key as a parameter of a statement."""
    return sa.literal(key, sa.BigInteger if isinstance(key, int) else sa.String)


def _require_unchanged(
    connection: sa.Connection, key: sa.ColumnElement[Any], file: SourceFile, read: tuple[int, int | str]
) -> None:
    """Raise unless there are exactly as many rows up to the last key as were read, all of them with a key."""
    n_read, last = read
    counts = [sa.func.count().filter(condition) for condition in (key <= _bound(last), key.is_(None))]
    n_now, n_without = connection.execute(sa.select(*counts)).one()
    if n_without:
        raise _no_key(file, str(key.key), f"{n_without} rows without one")
    if n_now != n_read:
        raise changed(file, f"{n_now} rows up to key {last} where {n_read} were ingested")


def _require_key(file: SourceFile, name: str, keys: Sequence[Any], before: int | str | None) -> None:
    """Raise unless the keys, in order after the one before them, are unique whole numbers or texts."""
    given = [*keys] if before is None else [before, *keys]
    kinds = {type(key) for key in given}
    if kinds not in ({int}, {str}):
        raise _no_key(file, name, "values of type " + ", ".join(sorted(kind.__name__ for kind in kinds)))
    series = pl.Series(given)
    repeated = series.filter(series == series.shift())
    if len(repeated):
        raise _no_key(file, name, f"{repeated[0]!r} more than once")


def _no_key(file: SourceFile, name: str, seen: str) -> DataRefused:
    do = "name a column of whole numbers or texts that tells every row apart, or cast it so in the query"
    return DataRefused(f"Column {name} of {file.name} cannot be the key: it has {seen}", do=do)


@contextmanager
def _connected(source: Sql, file: SourceFile) -> Iterator[sa.Connection]:
    """Connect in a read-only transaction; the driver's messages are repeated without the address."""
    uri = _address(source, file)
    engine = _engine(uri, file)
    try:
        connection = engine.connect()
    except SQLAlchemyError as error:
        raise _unreachable(file, connection_message(error, uri)) from None
    try:
        with connection:
            for statement in _OPENING[engine.dialect.name]:
                connection.exec_driver_sql(statement)
            yield connection
    except SQLAlchemyError as error:
        if isinstance(error, DBAPIError) and error.connection_invalidated:
            raise _unreachable(file, driver_message(error, uri)) from None
        do = "correct the manifest's query; it must be one SELECT"
        raise DataRefused(f"Query {file.name} cannot be run", seen=driver_message(error, uri), do=do) from None


def _address(source: Sql, file: SourceFile) -> str:
    uri = source.uri.get_secret_value()
    if not uri.startswith("$"):
        return uri
    name = uri.removeprefix("$")
    try:
        return require_address(os.environ[name])
    except KeyError:
        do = f"set it to the address of the database that {file.name} queries"
        raise ConfigurationError(f"Environment variable {name} is not set", do=do) from None
    except ValueError as error:
        raise ConfigurationError(
            f"Environment variable {name} is not the address of a database", do=str(error)
        ) from None


def _engine(uri: str, file: SourceFile) -> sa.Engine:
    if uri.startswith(SQLITE):
        path = file.path.absolute() / uri.removeprefix(SQLITE)
        if not path.is_file():
            raise NotFound(f"The SQLite file of {file.name} is not below {file.path}", do="check --source-root and uri")
        require_below(file.path.absolute(), path)
        return sa.create_engine(
            "sqlite://",
            creator=lambda: sqlite3.connect(
                f"{path.as_uri()}?mode=ro", uri=True, isolation_level=None, timeout=_BUSY_SECONDS
            ),
            poolclass=NullPool,
        )
    url = postgresql_url(uri, f"the uri of {file.name}")
    reading = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    return sa.create_engine(url, poolclass=NullPool, execution_options=reading)


def _unreachable(file: SourceFile, seen: str) -> Unreachable:
    do = "check that it runs, and that its uri is right"
    return Unreachable(f"The database of {file.name} does not answer", seen=seen, do=do)
