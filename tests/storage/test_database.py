import logging
import os
import sqlite3
import subprocess
import sys
import traceback
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
import sqlalchemy as sa

from nightschool.errors import ConfigurationError, NightschoolError, Unreachable
from nightschool.storage.database import (
    find_database,
    open_database,
    reading,
    write_one_by_one,
    writing,
)
from nightschool.storage.operator_tables import ALL_TABLES
from nightschool.storage.tables import EVENTS, EXPERIMENTS
from tests.postgres import Server

USER, SECRET = "nightly-user", "s3cr3t-9f"
WRITE = """
import os
from nightschool.storage.database import open_database, write_one_by_one, writing
with writing(open_database(os.environ["ADDRESS"])) as connection:
    write_one_by_one(connection)
"""
OPEN = """
import os, sys
from nightschool.storage.database import open_database
sys.stdin.readline()
open_database(os.environ["ADDRESS"])
"""


def row(number: int, at: datetime) -> dict[str, object]:
    texts = dict.fromkeys(("user_id", "item_id", "event"), "x")
    return {**texts, "event_id": f"{number}", "at": at, "received_at": at}


def test_the_tables_are_made_once_and_stay(address: str) -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    first = open_database(address)
    assert set(ALL_TABLES.tables) <= set(sa.inspect(first).get_table_names())
    with writing(first) as connection:
        connection.execute(sa.insert(EVENTS).values(row(1, at)))
    again = open_database(address)
    with reading(again) as connection:
        assert connection.execute(sa.select(EVENTS.c.event_id)).scalars().all() == ["1"]
    for engine in (first, again):
        engine.dispose()


def test_several_processes_make_the_tables_at_once(address: str) -> None:
    environment = {**os.environ, "ADDRESS": address}
    openers = [
        subprocess.Popen([sys.executable, "-c", OPEN], stdin=subprocess.PIPE, stderr=subprocess.PIPE, env=environment)
        for _ in range(4)
    ]
    for opener in openers:
        assert opener.stdin is not None
        opener.stdin.write(b"now\n")
        opener.stdin.flush()
    for opener in openers:
        assert opener.communicate()[1] == b""
        assert opener.returncode == 0


def test_a_block_that_raises_leaves_nothing(database: sa.Engine) -> None:
    def fail() -> None:
        with writing(database) as connection:
            connection.execute(sa.insert(EVENTS).values(row(1, datetime.now(UTC))))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    with reading(database) as connection:
        assert connection.execute(sa.select(EVENTS)).first() is None


def test_times_come_back_in_utc_and_sort(database: sa.Engine) -> None:
    late = datetime(2026, 1, 1, 12, 0, 0, 1, tzinfo=UTC)
    early = datetime(2026, 1, 1, 13, tzinfo=timezone(timedelta(hours=2)))
    with writing(database) as connection:
        connection.execute(sa.insert(EVENTS), [row(1, late), row(2, early)])
    with reading(database) as connection:
        told = connection.execute(sa.select(EVENTS.c.at).order_by(EVENTS.c.at)).scalars().all()
        assert connection.execute(sa.select(EXPERIMENTS.c.stopped_at)).first() is None
    assert [each.isoformat() for each in told] == ["2026-01-01T11:00:00+00:00", "2026-01-01T12:00:00.000001+00:00"]


def test_a_time_without_its_zone_is_refused(database: sa.Engine) -> None:
    naive = datetime(2026, 1, 1)
    with pytest.raises(sa.exc.StatementError) as refusal, writing(database) as connection:
        connection.execute(sa.insert(EVENTS).values(row(1, naive)))
    assert isinstance(refusal.value.orig, NightschoolError)


def test_sqlite_writes_what_is_committed_to_the_disk(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path / 'events.db'}")
    with reading(engine) as connection:
        told = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("journal_mode", "synchronous")]
    assert told == ["wal", 2]


def test_postgresql_writes_what_is_committed_to_the_disk_whatever_it_is_set_to(postgres: Server) -> None:
    postgres.run("ALTER DATABASE platform SET synchronous_commit = off")
    try:
        engine = open_database(postgres.uri)
        with reading(engine) as connection:
            assert connection.exec_driver_sql("SHOW synchronous_commit").scalar() == "on"
        engine.dispose()
    finally:
        postgres.run("ALTER DATABASE platform RESET synchronous_commit")


def test_opening_waits_for_nobody_where_nothing_is_missing(database: sa.Engine, address: str) -> None:
    with writing(database) as connection:
        write_one_by_one(connection)
        open_database(address, wait=0.1).dispose()


def test_who_writes_waits_for_another(database: sa.Engine, address: str) -> None:
    with writing(database) as connection:
        write_one_by_one(connection)
        command = (sys.executable, "-c", WRITE)
        waiting = subprocess.Popen(command, stdin=subprocess.DEVNULL, env={**os.environ, "ADDRESS": address})
        with pytest.raises(subprocess.TimeoutExpired):
            waiting.wait(3)
    assert waiting.wait(60) == 0


def test_only_what_was_written_to_is_found(tmp_path: Path) -> None:
    address = f"sqlite:///{tmp_path / 'home' / 'events.db'}"
    assert find_database(address) is None
    assert not (tmp_path / "home").exists()
    open_database(address)
    assert find_database(address) is not None


def everything_told(error: BaseException, caplog: pytest.LogCaptureFixture) -> str:
    return "".join(traceback.format_exception(error)) + repr(error) + caplog.text


@pytest.mark.parametrize(
    "where", ["127.0.0.1:1/db", "127.0.0.1:1/db?password=other-s3cr3t-9f", "127.0.0.1:1/db?user=other-s3cr3t-9f"]
)
def test_a_server_that_does_not_answer_is_told_without_its_address(
    where: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with pytest.raises(Unreachable, match="the database of events, keys and experiments does not answer") as error:
        open_database(f"postgresql://{USER}:{SECRET}@{where}")
    told = everything_told(error.value, caplog)
    for secret in (SECRET, USER, where.partition(":")[0]):
        assert secret not in told


def test_a_wrong_password_and_what_a_query_breaks_are_told_without_the_address(
    postgres: Server, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with pytest.raises(Unreachable, match="password authentication failed") as error:
        open_database(postgres.uri.replace("@127", "wrong@127"))
    told = everything_told(error.value, caplog)
    assert not [secret for secret in postgres.secrets if secret in told]
    engine = open_database(postgres.uri)
    with pytest.raises(Unreachable, match="no_such_table") as error, reading(engine) as connection:
        connection.exec_driver_sql("SELECT * FROM no_such_table")
    told = everything_told(error.value, caplog) + repr(engine) + str(engine.url) + repr(engine.pool)
    assert not [secret for secret in postgres.secrets if secret in told]
    engine.dispose()


def test_a_server_that_comes_back_is_used_again(postgres: Server) -> None:
    engine = open_database(postgres.uri)
    postgres.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
    with reading(engine) as connection:
        assert connection.exec_driver_sql("SELECT 1").scalar() == 1
    engine.dispose()


@pytest.mark.parametrize("address", ["postgresql://user:p@ss@host:port/x", "nothing at all", ""])
def test_what_is_no_address_is_refused_untold(address: str) -> None:
    with pytest.raises(ConfigurationError, match="NIGHTSCHOOL_EVENTS_URI is not the address") as error:
        open_database(address)
    assert "p@ss" not in str(error.value)


def test_a_file_that_is_no_database_is_told(tmp_path: Path) -> None:
    (tmp_path / SECRET).write_bytes(b"x" * 5000)
    with pytest.raises(Unreachable, match="file is not a database") as error:
        open_database(f"sqlite:///{tmp_path / SECRET}")
    assert SECRET not in str(error.value)
    with pytest.raises(Unreachable, match=r"File exists|Not a directory"):
        open_database(f"sqlite:///{tmp_path / SECRET / 'events.db'}")


def test_a_file_that_is_locked_for_good_is_told(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path / 'events.db'}", wait=0.1)
    with closing(sqlite3.connect(tmp_path / "events.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Unreachable, match="database is locked'; try again"), writing(engine):
            pytest.fail("written beside another")
        with reading(engine) as connection:
            assert connection.execute(sa.select(EVENTS)).first() is None


def test_nobody_but_its_owner_reads_the_file(tmp_path: Path) -> None:
    path = tmp_path / "events.db"
    path.touch(0o644)
    engine = open_database(f"sqlite:///{path}")
    assert {each.stat().st_mode & 0o777 for each in tmp_path.iterdir()} == {0o600}
    engine.dispose()


def test_a_file_that_was_deleted_is_told_and_used_again_once_it_is_back(tmp_path: Path) -> None:
    path = tmp_path / "events.db"
    engine = open_database(f"sqlite:///{path}", wait=0.1)
    with writing(engine) as connection:
        connection.execute(sa.insert(EVENTS).values(row(1, datetime.now(UTC))))
    kept = [each.rename(each.with_name(f"kept{each.suffix}")) for each in sorted(tmp_path.glob("events.db*"))]
    with pytest.raises(Unreachable, match="unable to open database file"), writing(engine):
        pytest.fail("written to a file that nobody finds again")
    assert not path.exists()
    for each in kept:
        each.rename(each.with_name(f"events{each.suffix}"))
    with reading(engine) as connection:
        assert connection.execute(sa.select(EVENTS.c.event_id)).scalars().all() == ["1"]


def test_tables_of_an_older_version_get_what_they_lack(address: str) -> None:
    older = open_database(address)
    with writing(older) as connection:
        connection.exec_driver_sql("DROP INDEX reactions_of_user")
        connection.exec_driver_sql("DROP TABLE undone")
        connection.exec_driver_sql("ALTER TABLE keys DROP COLUMN user_id")
        connection.exec_driver_sql(
            "INSERT INTO keys (name, role, sha256, added_at) VALUES ('a', 'read', 'x', '2026-01-01')"
        )
    newer = open_database(address)
    found = sa.inspect(newer)
    assert "undone" in found.get_table_names()
    assert "user_id" in {column["name"] for column in found.get_columns("keys")}
    assert "reactions_of_user" in {index["name"] for index in found.get_indexes("events")}
    for engine in (older, newer):
        engine.dispose()


def test_more_questions_than_connections_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nightschool.storage.database._MOST_CONNECTIONS", 0)
    engine = open_database(f"sqlite:///{tmp_path / 'events.db'}", wait=0.1)
    held = [engine.connect() for _ in range(5)]
    with pytest.raises(Unreachable, match="more questions at once"), reading(engine):
        pytest.fail("a sixth connection of five")
    for each in held:
        each.close()
