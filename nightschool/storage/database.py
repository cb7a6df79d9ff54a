"""The database of what serving writes: one SQLite file below the home, or PostgreSQL; its address is never told."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import ConnectionPoolEntry, QueuePool

from nightschool.columns import EVENT, EVENT_ID, ITEM_ID, RELEASE_ID, USER_ID
from nightschool.data.addresses import postgresql_url, told, told_of_connecting
from nightschool.data.formats import SQLITE
from nightschool.errors import NightschoolError, Unreachable

_BUSY_SECONDS: Final = 30
"""How long one who writes an SQLite file waits for another, and how long a server may take to let one in."""

_LOCK: Final = 5_170_613
"""The number of the lock that those who must write one by one take in PostgreSQL."""

_OPENING: Final = "nightschool_opening"
"""The execution option that says what opens a transaction of SQLite."""

_CALLED: Final = "the database of events, keys and experiments"


class Instant(sa.TypeDecorator[datetime]):
    """A time in UTC: text that sorts in SQLite, a timestamp with its zone in PostgreSQL."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:  # noqa: ARG002
        """The time in UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise NightschoolError("a time has no zone", seen=value, do="give it one")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:  # noqa: ARG002
        """The time in UTC, with its zone."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _sequence() -> sa.Column[int]:
    return sa.Column("sequence", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True)


def _text(name: str, **more: Any) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False, **more)


METADATA: Final = sa.MetaData()

EVENTS: Final = sa.Table(
    "events",
    METADATA,
    _sequence(),
    _text(EVENT_ID, unique=True),
    _text(USER_ID),
    _text(ITEM_ID),
    _text(EVENT),
    sa.Column("at", Instant, nullable=False),
    sa.Column("received_at", Instant, nullable=False),
    sa.Index("events_of_user", USER_ID, "sequence"),
    sqlite_autoincrement=True,
)
"""What people did, in the order in which it was taken in; a sequence is never given twice."""

KEYS: Final = sa.Table(
    "keys",
    METADATA,
    _text("name", primary_key=True),
    _text("role"),
    _text("sha256", unique=True),
    sa.Column("added_at", Instant, nullable=False),
)
"""Who may ask the API; the keys themselves are nowhere."""

EXPERIMENTS: Final = sa.Table(
    "experiments",
    METADATA,
    _text("name", primary_key=True),
    _text("salt"),
    sa.Column("arms", sa.JSON, nullable=False),
    sa.Column("explore", sa.Double, nullable=False),
    sa.Column("window_hours", sa.Double, nullable=False),
    sa.Column("started_at", Instant, nullable=False),
    sa.Column("stopped_at", Instant),
    _text("reason"),
)
"""What was tried on people."""

EXPOSURES: Final = sa.Table(
    "exposures",
    METADATA,
    _sequence(),
    _text("experiment"),
    _text(USER_ID),
    _text("arm"),
    _text(RELEASE_ID),
    sa.Column("at", Instant, nullable=False),
    _text("items"),
    sa.Index("exposures_of_user", "experiment", USER_ID),
    sqlite_autoincrement=True,
)
"""Every list that an experiment showed: its items with the chance that each had, as JSON."""


def open_database(address: str) -> sa.Engine:
    """The database with its tables, which are made where they are missing.

    Several processes may open and write it at once. What a `writing` block wrote is on the disk when the block ends.

    Args:
        address: sqlite:///PATH or postgresql://USER:PASSWORD@HOST:PORT/NAME.

    Raises:
        Unreachable: It does not answer, or cannot be made.
        ConfigurationError: The address is none.
    """
    engine = _sqlite(address) if address.startswith(SQLITE) else _postgresql(address)

    def fail(context: sa.engine.ExceptionContext) -> None:
        if isinstance(context.sqlalchemy_exception, DBAPIError) and not context.is_pre_ping:
            say = told if context.connection is not None else told_of_connecting
            raise _unreachable(say(context.sqlalchemy_exception, address), engine.dialect.name)

    sa.event.listen(engine, "handle_error", fail)
    with writing(engine) as connection:
        write_one_by_one(connection)
        METADATA.create_all(connection)
        _complete(connection)
    return engine


def _complete(connection: sa.Connection) -> None:
    """Add the columns that a table lacks because an older state of the code made it; each may be null or has a default.

    They are found missing before anything is changed: a server whose tables are complete only looks.
    """
    inspector = sa.inspect(connection)
    quote = connection.dialect.identifier_preparer.quote
    for table in METADATA.sorted_tables:
        known = {column["name"] for column in inspector.get_columns(table.name)}
        for column in table.columns:
            if column.name not in known:
                added = sa.schema.CreateColumn(column).compile(dialect=connection.dialect)
                connection.exec_driver_sql(f"ALTER TABLE {quote(table.name)} ADD COLUMN {added}")


def find_database(address: str) -> sa.Engine | None:
    """The database, or None where it is an SQLite file that nothing was written to yet.

    Raises:
        Unreachable: It does not answer.
        ConfigurationError: The address is none.
    """
    if address.startswith(SQLITE) and not Path(address.removeprefix(SQLITE)).exists():
        return None
    return open_database(address)


@contextmanager
def reading(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A connection in a transaction that reads.

    Raises:
        Unreachable: The database does not answer, or refuses.
    """
    with _without_cause(), engine.connect() as connection:
        yield connection


@contextmanager
def writing(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A connection in a transaction whose rows are on the disk when the block ends, or not there at all.

    Raises:
        Unreachable: The database does not answer, or refuses.
    """
    # Who reads first and then writes would be refused when another wrote in between.
    options = {_OPENING: "BEGIN IMMEDIATE"}
    with _without_cause(), engine.connect() as connection, connection.execution_options(**options).begin():
        yield connection


def write_one_by_one(connection: sa.Connection) -> None:
    """Waits until every other transaction that called this is over: sequences then are in the order of commits.

    In SQLite those who write are one by one anyway.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))


def erase(engine: sa.Engine, rows: sa.Delete) -> int:
    """How many rows were removed; an SQLite file then holds no byte of them.

    Raises:
        Unreachable: The database does not answer, or refuses.
    """
    with writing(engine) as connection:
        removed = connection.execute(rows).rowcount
    if engine.dialect.name == "sqlite":
        with _without_cause(), engine.connect() as connection:
            alone = connection.execution_options(**{_OPENING: ""})
            # Rows that a full page once moved elsewhere left their bytes behind, which only a new file is free of.
            alone.exec_driver_sql("VACUUM")
            alone.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    return removed


def can_hold(text: str) -> bool:
    """Whether both databases keep the text as it is: it has no zero byte, and UTF-8 writes all of it."""
    return "\0" not in text and text.encode(errors="ignore").decode() == text


@contextmanager
def _without_cause() -> Iterator[None]:
    """Cuts off the driver's exception, which a traceback would show and which may tell the address."""
    try:
        yield
    except Unreachable as error:
        raise error from None


def _unreachable(seen: str, kind: str) -> Unreachable:
    if kind == "sqlite":
        do = "see that its folder can be written and that its disk has space left"
        return Unreachable(f"{_CALLED} cannot be used", seen=seen, do=do)
    return Unreachable(f"{_CALLED} does not answer", seen=seen, do="check that it runs, and NIGHTSCHOOL_EVENTS_URI")


def _sqlite(address: str) -> sa.Engine:
    path = Path(address.removeprefix(SQLITE)).absolute()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unreachable(str(error.strerror), "sqlite") from None

    def connect() -> sqlite3.Connection:
        return sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)

    engine = sa.create_engine("sqlite://", creator=connect, poolclass=QueuePool, hide_parameters=True)
    sa.event.listen(engine, "connect", _prepare_sqlite)
    sa.event.listen(engine, "begin", _begin)
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, _: ConnectionPoolEntry) -> None:
    for pragma in ("journal_mode = WAL", "synchronous = FULL"):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: sa.Connection) -> None:
    if opening := connection.get_execution_options().get(_OPENING, "BEGIN"):
        connection.exec_driver_sql(opening)


def _postgresql(address: str) -> sa.Engine:
    url = postgresql_url(address, "NIGHTSCHOOL_EVENTS_URI")
    engine = sa.create_engine("postgresql+psycopg://", pool_pre_ping=True, hide_parameters=True)

    # An engine that is given the address shows what stands after its ?, which may be a password.
    def connect(dialect: sa.Dialect, _: ConnectionPoolEntry, *__: Any) -> Any:
        arguments, options = dialect.create_connect_args(url)
        return dialect.connect(*arguments, **{"connect_timeout": _BUSY_SECONDS, **options})

    sa.event.listen(engine, "do_connect", connect)
    sa.event.listen(engine, "connect", _prepare_postgresql)
    return engine


def _prepare_postgresql(connection: Any, _: ConnectionPoolEntry) -> None:
    """What is committed is on the disk, whatever the server is set to."""
    connection.execute(
        "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"
    )
    connection.commit()
