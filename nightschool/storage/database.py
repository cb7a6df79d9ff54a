"""The database that serving writes to: one SQLite file below the home, or PostgreSQL; its address stays secret."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import ConnectionPoolEntry, QueuePool

from nightschool.data.readers.addresses import connection_message, driver_message, postgresql_url
from nightschool.errors import Unreachable
from nightschool.sqlite import SQLITE
from nightschool.storage.operator_tables import ALL_TABLES
from nightschool.storage.places import place_older
from nightschool.storage.tables import UNDONE

BUSY_SECONDS: Final = 30.0
"""How long one who writes waits for another, and how long a server may take to let one in."""

_LOCK: Final = 5_170_613
"""The number of the lock that those who must write one by one take in PostgreSQL."""

_OPENING: Final = "nightschool_opening"
"""The execution option that holds the statements that open a transaction of SQLite."""

_CALLED: Final = "the database of events, keys and experiments"
_FILE: Final = "nightschool_file"
_MOST_CONNECTIONS: Final = 64


def connect_database(address: str, wait: float = BUSY_SECONDS) -> sa.Engine:
    """Return the database, before anything is asked of it.

    Args:
        address: sqlite:///PATH or postgresql://USER:PASSWORD@HOST:PORT/NAME.
        wait: Seconds that a question waits for others before it raises `Unreachable`.

    Raises:
        Unreachable: An SQLite file cannot be made.
        ConfigurationError: The address is none.
    """
    engine = _sqlite(address, wait) if address.startswith(SQLITE) else _postgresql(address, wait)

    def fail(context: sa.engine.ExceptionContext) -> None:
        if isinstance(context.sqlalchemy_exception, DBAPIError) and not context.is_pre_ping:
            say = driver_message if context.connection is not None else connection_message
            raise _unreachable(say(context.sqlalchemy_exception, address), engine.dialect.name)

    sa.event.listen(engine, "handle_error", fail)
    return engine


def make_tables(engine: sa.Engine) -> None:
    """Create the tables, columns and indices that are missing; without any, take no lock.

    Raises:
        Unreachable: The database does not answer.
    """
    with reading(engine) as connection:
        if not _missing(connection):
            return
    with writing(engine) as connection:
        write_one_by_one(connection)
        ALL_TABLES.create_all(connection)
        quote_name = connection.dialect.identifier_preparer.quote
        lacking = _missing(connection)
        for missing in lacking:
            if isinstance(missing, sa.Index):
                missing.create(connection)
            elif isinstance(missing, sa.Column):
                added = sa.schema.CreateColumn(missing).compile(dialect=connection.dialect)
                connection.exec_driver_sql(f"ALTER TABLE {quote_name(missing.table.name)} ADD COLUMN {added}")
        if any(missing is UNDONE.c.place for missing in lacking):
            place_older(connection)


def open_database(address: str, wait: float = BUSY_SECONDS) -> sa.Engine:
    """Open the database, and create its tables where they are missing.

    Several processes may open and write it at once. What a `writing` block wrote is on the disk when the block ends.

    Args:
        address: sqlite:///PATH or postgresql://USER:PASSWORD@HOST:PORT/NAME.
        wait: Seconds that a question waits for others before it raises `Unreachable`.

    Raises:
        Unreachable: It does not answer, or cannot be made.
        ConfigurationError: The address is none.
    """
    engine = connect_database(address, wait)
    make_tables(engine)
    return engine


def find_database(address: str) -> sa.Engine | None:
    """Open the database, or return None where it is an SQLite file that does not exist yet.

    Raises:
        Unreachable: It does not answer.
        ConfigurationError: The address is none.
    """
    if address.startswith(SQLITE) and not Path(address.removeprefix(SQLITE)).exists():
        return None
    return open_database(address)


@contextmanager
def reading(engine: sa.Engine) -> Iterator[sa.Connection]:
    """Open a connection in a transaction that reads.

    Raises:
        Unreachable: The database does not answer, or refuses.
    """
    with _without_cause(), engine.connect() as connection:
        yield connection


@contextmanager
def writing(engine: sa.Engine) -> Iterator[sa.Connection]:
    """Open a connection in a transaction whose rows are on the disk when the block ends, or not there at all.

    Raises:
        Unreachable: The database does not answer, or refuses.
    """
    # Who reads first and then writes would be refused when another wrote in between.
    options = {_OPENING: ("PRAGMA synchronous = FULL", "BEGIN IMMEDIATE")}
    with _without_cause(), engine.connect() as connection, connection.execution_options(**options).begin():
        yield connection


@contextmanager
def writing_unsynced(engine: sa.Engine) -> Iterator[sa.Connection]:
    """Open a connection like `writing`, but do not wait for the disk: SQLite syncs at its next checkpoint.

    Raises:
        Unreachable: The database does not answer, or refuses.
    """
    options = {_OPENING: ("PRAGMA synchronous = NORMAL", "BEGIN IMMEDIATE")}
    with _without_cause(), engine.connect() as connection, connection.execution_options(**options).begin():
        yield connection


@contextmanager
def alone(engine: sa.Engine) -> Iterator[sa.Connection]:
    """Open a connection without a transaction, for statements of SQLite that cannot be in one.

    Raises:
        Unreachable: The database does not answer, or refuses.
    """
    with _without_cause(), engine.connect() as connection:
        yield connection.execution_options(**{_OPENING: ()})


def write_one_by_one(connection: sa.Connection) -> None:
    """Wait until every other transaction that called this has ended, so that sequences follow the order of commits.

    In SQLite those who write are one by one anyway.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))


@contextmanager
def _without_cause() -> Iterator[None]:
    """Drop the driver's exception as the cause: a traceback would show it, and with it perhaps the address."""
    try:
        yield
    except Unreachable as error:
        raise error from None
    except sa.exc.TimeoutError:
        raise _unreachable("more questions at once than it takes", "") from None


def _missing(connection: sa.Connection) -> list[sa.Table | sa.Column[Any] | sa.Index]:
    """List the tables, columns and indices that the database lacks."""
    inspector = sa.inspect(connection)
    there = set(inspector.get_table_names())
    missing: list[sa.Table | sa.Column[Any] | sa.Index] = []
    for table in ALL_TABLES.sorted_tables:
        if table.name not in there:
            missing.append(table)
            continue
        columns = {column["name"] for column in inspector.get_columns(table.name)}
        indices = {index["name"] for index in inspector.get_indexes(table.name)}
        missing += [column for column in table.columns if column.name not in columns]
        missing += [index for index in table.indexes if index.name not in indices]
    return missing


def _unreachable(seen: str, kind: str) -> Unreachable:
    if kind == "sqlite":
        do = "see that its folder can be written and that its disk has space left"
        if "locked" in seen:
            do = "try again: another program writes to it"
        return Unreachable(f"{_CALLED} cannot be used", seen=seen, do=do)
    return Unreachable(f"{_CALLED} does not answer", seen=seen, do="check that it runs, and NIGHTSCHOOL_EVENTS_URI")


def _sqlite(address: str, wait: float) -> sa.Engine:
    path = Path(address.removeprefix(SQLITE)).absolute()
    try:
        _make_private(path)
    except OSError as error:
        raise _unreachable(str(error.strerror), "sqlite") from None
    # A file that was deleted is not made again in silence: whoever serves would go on without its keys.
    existing = f"file:{quote(str(path))}?mode=rw"

    def connect() -> sqlite3.Connection:
        return sqlite3.connect(existing, timeout=wait, isolation_level=None, check_same_thread=False, uri=True)

    def remember_file(_: sqlite3.Connection, entry: ConnectionPoolEntry) -> None:
        entry.info[_FILE] = _identity(path)

    def require_file(_: sqlite3.Connection, entry: ConnectionPoolEntry, __: object) -> None:
        if entry.info[_FILE] != _identity(path):
            raise sa.exc.DisconnectionError("the file was deleted or replaced")

    pool = {"poolclass": QueuePool, "max_overflow": _MOST_CONNECTIONS, "pool_timeout": wait}
    engine = sa.create_engine("sqlite://", creator=connect, hide_parameters=True, **pool)
    sa.event.listen(engine, "connect", remember_file)
    sa.event.listen(engine, "connect", _prepare_sqlite)
    sa.event.listen(engine, "checkout", require_file)
    sa.event.listen(engine, "begin", _begin)
    return engine


def _make_private(path: Path) -> None:
    """Create the file where it is missing, readable by its owner alone, as is what SQLite writes next to it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    for each in (path, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")):
        # Where the file is another's, it is for them to say who reads it.
        with suppress(FileNotFoundError, PermissionError):
            if each.stat().st_mode & 0o077:
                each.chmod(0o600)


def _identity(path: Path) -> tuple[int, int] | None:
    """Return the inode that has a file name now; None without a file."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def _prepare_sqlite(connection: sqlite3.Connection, _: ConnectionPoolEntry) -> None:
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "secure_delete = ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: sa.Connection) -> None:
    for statement in connection.get_execution_options().get(_OPENING, ("BEGIN",)):
        connection.exec_driver_sql(statement)


def _postgresql(address: str, wait: float) -> sa.Engine:
    url = postgresql_url(address, "NIGHTSCHOOL_EVENTS_URI")
    pool = {"max_overflow": _MOST_CONNECTIONS, "pool_timeout": wait, "pool_pre_ping": True}
    engine = sa.create_engine("postgresql+psycopg://", hide_parameters=True, **pool)

    # An engine that is given the address shows its query, which may hold a password.
    def connect(dialect: sa.Dialect, _: ConnectionPoolEntry, *__: Any) -> Any:
        arguments, options = dialect.create_connect_args(url)
        return dialect.connect(*arguments, **{"connect_timeout": max(2, int(wait)), **options})

    sa.event.listen(engine, "do_connect", connect)
    sa.event.listen(engine, "connect", partial(_prepare_postgresql, wait))
    return engine


def _prepare_postgresql(wait: float, connection: Any, _: ConnectionPoolEntry) -> None:
    """Set the session: commits wait for the disk whatever the server's setting is, and locks have a timeout."""
    connection.execute("SELECT set_config('lock_timeout', %s, false)", [f"{int(wait * 1000)}ms"])
    connection.execute(
        "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"
    )
    connection.commit()
