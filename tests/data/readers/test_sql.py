import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import pytest

from nightschool.data.readers import queries
from nightschool.data.readers.parsing import RAW
from nightschool.data.readers.source_format import Reading
from nightschool.data.readers.sources import Extent, SourceFile
from nightschool.data.readers.sql import Sql
from nightschool.errors import ConfigurationError, DataRefused, NotFound, Unreachable
from tests.data.readers.format_contract import FormatContract
from tests.postgres import Server

NEEDED = ("user", "Item title", "at")
TABLE = 'CREATE TABLE log (id bigint PRIMARY KEY, "user" text, "Item title" text, at timestamp, rating float)'
ROWS = (
    "INSERT INTO log VALUES (2, 'u2', 'it''s; DROP TABLE log; --', NULL, NULL)",
    "INSERT INTO log VALUES (1, 'u1', 'ü 学', '2026-01-01 10:00:00', 4.5)",
)
QUERY = "SELECT *, '12:30 :user' AS colon, '5%d' AS percent FROM log -- the whole log"


class Database(NamedTuple):
    """A database of either kind, with two rows in a log."""

    root: Path
    uri: str
    run: Callable[..., None]

    def source(self, **more: object) -> Sql:
        return Sql.model_validate({"kind": "sql", "uri": self.uri, "query": QUERY, "key": "id", **more})

    def reading(self, known: Extent | None = None, columns: tuple[str, ...] = NEEDED, **more: object) -> Reading:
        return Reading(SourceFile("sql", self.root), self.source(**more), columns, known)

    def read(self, known: Extent | None = None, **more: object) -> Extent:
        each = self.reading(known, **more)
        list(each.batches())
        return each.extent


def rows_of(each: Reading) -> list[tuple[object, ...]]:
    return [row for frame in each.batches() for row in frame[RAW].struct.unnest().rows()]


def sqlite_runner(path: Path) -> Callable[..., None]:
    def run(*statements: str) -> None:
        with closing(sqlite3.connect(path)) as connection, connection:
            for statement in statements:
                connection.execute(statement)

    return run


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request, tmp_path) -> Database:
    if request.param == "sqlite":
        root = tmp_path / "a folder? with #marks%20"
        root.mkdir()
        made = Database(root, "sqlite:///platform.db", sqlite_runner(root / "platform.db"))
    else:
        server: Server = request.getfixturevalue("postgres")
        made = Database(tmp_path, server.uri, server.run)
        made.run("DROP SCHEMA public CASCADE", "CREATE SCHEMA public")
    made.run(TABLE, *ROWS)
    return made


def test_rows_come_as_text_in_the_order_of_their_key(database):
    each = database.reading(columns=("user", "Item title", "at", "rating", "colon", "percent"))
    assert rows_of(each) == [
        ("u1", "ü 学", "2026-01-01 10:00:00", "4.5", "12:30 :user", "5%d"),
        ("u2", "it's; DROP TABLE log; --", None, None, "12:30 :user", "5%d"),
    ]
    assert each.extent == Extent(0, 2, "", "2")


def test_values_of_any_type_read_like_those_of_a_file(postgres, tmp_path):
    query = (
        "SELECT 1 AS id, true AS flag, 3000000000 AS big, 0.1 AS tenth, timestamptz '2026-01-01 12:00+02' AS at,"
        " date '2026-02-01' AS day, '[\"a\", \"b\"]'::json AS list, 'x'::char(3) AS padded"
    )
    columns = ("flag", "big", "tenth", "at", "day", "list", "padded")
    database = Database(tmp_path, postgres.uri, postgres.run)
    row = ("true", "3000000000", "0.1", "2026-01-01 10:00:00+00", "2026-02-01", '["a", "b"]', "x")
    assert rows_of(database.reading(query=query, columns=columns)) == [row]


def test_only_rows_with_higher_keys_are_read_again(database):
    known = database.read()
    assert rows_of(database.reading(known)) == []
    assert database.read(known) == known
    database.run("INSERT INTO log (id, \"user\") VALUES (5000000000, 'u3')")
    (frame,) = database.reading(known).batches()
    assert frame["source_row"].to_list() == [3]
    assert frame[RAW].struct.field("user").to_list() == ["u3"]
    assert database.read(known) == Extent(0, 3, "", "5000000000")


def test_texts_are_keys_too(database):
    query = "SELECT 'key ' || \"user\" || ' \"quoted\"' AS name, * FROM log"
    known = database.read(key="name", query=query)
    assert known.position == '"key u2 \\"quoted\\""'
    database.run("INSERT INTO log (id, \"user\") VALUES (7, 'u7')")
    assert [row[0] for row in rows_of(database.reading(known, key="name", query=query))] == ["u7"]


@pytest.mark.parametrize(
    "statement",
    ["DELETE FROM log WHERE id = 1", "INSERT INTO log (id) VALUES (0)", "UPDATE log SET id = 9 WHERE id = 2"],
    ids=["removed", "came late", "moved"],
)
def test_rows_that_were_read_must_stay(database, statement):
    known = database.read()
    database.run(statement)
    with pytest.raises(DataRefused, match=r"sql was changed in place: [13] rows up to key 2 where 2 were.*restore it"):
        database.read(known)


KEYS = {
    "null": ("NULLIF(id, 1)", "NoneType"),
    "repeated": ("1", "1 more than once"),
    "fraction": ("CAST(id AS float)", "type float"),
}


@pytest.mark.parametrize(("key", "seen"), KEYS.values(), ids=KEYS)
def test_column_that_is_no_key_is_refused(database, key, seen):
    query = f"SELECT {key} AS bad, * FROM log"
    with pytest.raises(
        DataRefused, match=f"Column bad of sql cannot be the key: it has .*{seen}.*cast it so in the query"
    ):
        database.read(query=query, key="bad")


def test_key_that_loses_its_values_later_is_refused(database):
    query = 'SELECT CASE WHEN id < 3 THEN id END AS some, "user", "Item title", at FROM log'
    known = database.read(query=query, key="some")
    database.run("INSERT INTO log (id) VALUES (3)")
    with pytest.raises(DataRefused, match="Column some of sql cannot be the key: it has 1 rows without one"):
        database.read(known, query=query, key="some")


def test_blocks_are_of_one_state_of_the_database(database, monkeypatch):
    monkeypatch.setattr(queries, "_BLOCK_ROWS", 1)
    each = database.reading()
    frames = each.batches()
    first = next(frames)
    if database.uri.startswith("postgresql"):
        database.run("INSERT INTO log (id) VALUES (3)")
    assert [first.height, *(frame.height for frame in frames)] == [1, 1]
    assert each.extent.position == "2"


@pytest.mark.parametrize(
    ("query", "said"),
    [("SELECT * FROM nowhere", "nowhere"), ("SELECT 1; SELECT 2", "syntax error"), ("DELETE FROM log", "syntax error")],
    ids=["no table", "two", "not a query"],
)
def test_query_that_cannot_be_run_says_why(database, query, said):
    with pytest.raises(DataRefused, match=f"Query sql cannot be run; saw .*{said}.*it must be one SELECT"):
        database.read(query=query)


def test_no_query_can_write(postgres, tmp_path):
    database = Database(tmp_path, postgres.uri, postgres.run)
    postgres.run("CREATE SEQUENCE IF NOT EXISTS counter")
    with pytest.raises(DataRefused, match=r"nextval.*read-only transaction"):
        database.read(query="SELECT nextval('counter') AS id", columns=("id",))


def test_missing_column_names_those_there_are(database):
    with pytest.raises(DataRefused, match=r"sql has no column nobody; saw 'columns id, user, Item title, at, rating"):
        database.read(columns=("nobody",))


def test_empty_result_is_a_source_of_no_rows(database):
    assert database.read(query="SELECT * FROM log WHERE id > 9").rows == 0


def test_address_may_come_from_the_environment(database, monkeypatch):
    monkeypatch.setenv("PLATFORM", database.uri)
    assert database.read(uri="$PLATFORM").rows == 2


def test_variable_that_is_not_set_is_told(database):
    with pytest.raises(ConfigurationError, match="Environment variable PLATFORM is not set; set it") as error:
        database.read(uri="$PLATFORM")
    assert error.value.exit_code == 2


@pytest.mark.parametrize(
    "uri", ["mysql://somebody:secret@host/db", "sqlite:////etc/hidden.db", "sqlite:///../hidden.db"]
)
def test_address_of_another_kind_or_place_is_not_told(database, monkeypatch, uri):
    monkeypatch.setenv("PLATFORM", uri)
    with pytest.raises(
        ConfigurationError, match="Environment variable PLATFORM is not the address of a database; give"
    ) as error:
        database.read(uri="$PLATFORM")
    assert "secret" not in str(error.value)
    assert "hidden" not in str(error.value)


def test_sqlite_file_that_is_not_there_is_not_found(tmp_path):
    with pytest.raises(NotFound, match="The SQLite file of sql is not below") as error:
        Database(tmp_path, "sqlite:///other.db", print).read()
    assert "other.db" not in str(error.value)
    assert not (tmp_path / "other.db").exists()


def test_file_that_is_no_database_is_refused(tmp_path):
    (tmp_path / "log.db").write_text("user,item\n1,2\n" * 99)
    with pytest.raises(DataRefused, match="Query sql cannot be run; saw 'file is not a database'"):
        Database(tmp_path, "sqlite:///log.db", print).read()


WRONG = {
    "password": lambda server: server.uri.replace(":p%40ss", ":wrong"),
    "database": lambda server: server.uri.replace("/platform", "/nowhere"),
    "port": lambda server: server.uri.replace(str(server.port), "1"),
    "host": lambda server: server.uri.replace("127.0.0.1", "no-such-host.invalid"),
}


@pytest.mark.parametrize("change", WRONG.values(), ids=WRONG)
def test_database_that_does_not_answer_may_answer_later(postgres, tmp_path, change):
    with pytest.raises(Unreachable, match=r"The database of sql does not answer; saw '.+'; check") as error:
        Database(tmp_path, change(postgres), print).read()
    assert isinstance(error.value, OSError)
    assert error.value.exit_code == 7
    assert error.value.__cause__ is None
    for secret in (*postgres.secrets, "wrong", "no-such-host"):
        assert secret not in str(error.value)


def test_database_that_stops_answering_may_answer_later(postgres, tmp_path, monkeypatch):
    monkeypatch.setattr(queries, "_BLOCK_ROWS", 1)
    database = Database(tmp_path, postgres.uri, postgres.run)
    frames = database.reading(query="SELECT * FROM generate_series(1, 1000) AS id", columns=("id",)).batches()
    next(frames)
    with postgres.connect() as connection:
        others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND usename = %s"
        connection.execute(others, ["nightly_reader"])
    with pytest.raises(Unreachable) as error:
        list(frames)
    for secret in postgres.secrets:
        assert secret not in str(error.value)


def test_errors_of_a_query_do_not_tell_the_address(postgres, tmp_path):
    database = Database(tmp_path, postgres.uri, print)
    with pytest.raises(DataRefused, match="invalid input syntax") as error:
        database.read(query="SELECT current_user::int AS id", columns=("id",))
    for secret in postgres.secrets:
        assert secret not in str(error.value)


def test_address_that_cannot_be_taken_apart_is_not_told(tmp_path):
    with pytest.raises(ConfigurationError, match=r"the uri of sql is not the address of a database.*%40") as error:
        Database(tmp_path, "postgresql://somebody:secret@host:secret@host/db", print).read()
    assert "secret" not in str(error.value)


def test_source_never_shows_its_address(postgres):
    source = Database(Path(), postgres.uri, print).source()
    shown = f"{source} {source!r} {source.model_dump()} {source.model_dump(mode='json')} {source.model_dump_json()}"
    assert not [secret for secret in (*postgres.secrets, "platform") if secret in shown]


class TestContract(FormatContract):
    format = Sql.model_validate(
        {"kind": "sql", "uri": "sqlite:///a.db", "query": "SELECT rowid AS n, user, item FROM log", "key": "n"}
    )
    name = "a.db"
    guessed = False
    n_counted = 0

    def write(self, path, pairs):
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("CREATE TABLE log (user text, item text)")
            connection.executemany("INSERT INTO log VALUES (?, ?)", pairs)
            connection.commit()
