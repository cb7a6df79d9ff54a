"""Databases as sources, through the command line: rows come in once, and nobody learns the address."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from nightschool.application.home import open_home
from nightschool.columns import INTERACTIONS, ITEMS, SOURCE_FILE, SOURCES, USERS
from tests.cli.conftest import NIGHT, Run, require_refusal, spawn
from tests.postgres import DATABASE, PASSWORD, USER, Server

SCHEMA = (
    "CREATE TABLE log (id bigint PRIMARY KEY, learner bigint, course text, at timestamp)",
    "CREATE TABLE learners (id bigint PRIMARY KEY, team text)",
    "CREATE TABLE courses (code text PRIMARY KEY, name text, topics json)",
)
ROWS = (
    "INSERT INTO learners VALUES (1, 'red'), (2, 'blue')",
    """INSERT INTO courses VALUES ('a', 'It''s; DROP TABLE log', '["x", "y"]'), ('b', 'Zwei', NULL)""",
    "INSERT INTO log VALUES (10, 1, 'a', '2026-01-01 10:00:00'), (11, 2, 'b', '2026-01-02 10:00:00')",
)
MANIFEST = """
name = "platform"
score = "implicit"
history = true

[interactions]
format = { kind = "sql", uri = "URI", query = "SELECT * FROM log", key = "id", name = "log" }
user = "learner"
item = "course"
timestamp = { column = "at", unit = "iso" }

[users]
format = { kind = "sql", uri = "URI", query = "SELECT * FROM learners", key = "id", name = "learners" }
id = "id"
attributes = ["team"]

[items]
format = { kind = "sql", uri = "URI", query = "SELECT * FROM courses", key = "code", name = "courses" }
id = "code"
title = "name"
text = ["name"]
lists = { topics = "" }
"""


def describe(folder: Path, uri: str) -> Path:
    (folder / "platform.toml").write_text(MANIFEST.replace("URI", uri), encoding="utf-8")
    return folder / "platform.toml"


def told_below(folder: Path, *secrets: str) -> list[tuple[Path, str]]:
    """The files that hold one of the secrets."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [(path, secret) for path in files for secret in secrets if secret.encode() in path.read_bytes()]


@pytest.fixture
def platform(postgres: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """The server with the tables of a platform; the variable PLATFORM names it."""
    monkeypatch.setenv("PLATFORM", postgres.uri)
    postgres.run("DROP SCHEMA public CASCADE", "CREATE SCHEMA public", *SCHEMA, *ROWS)
    yield postgres
    postgres.run("DROP SCHEMA public CASCADE", "CREATE SCHEMA public")


def test_rows_of_a_database_come_in_exactly_once(platform: Server, tmp_path: Path, home: Path, run: Run) -> None:
    ingest = ("ingest", "--dataset", describe(tmp_path, "$PLATFORM"), "--source-root", tmp_path, "--json")
    report = run(*ingest).document
    assert [counts["accepted"] for counts in report.values()] == [2, 2, 2]
    again = run("ingest", "--json").document
    assert [counts["already_known"] for counts in again.values()] == [2, 2, 2]
    platform.run("INSERT INTO log VALUES (12, 2, 'a', NULL)", "UPDATE learners SET team = 'green' WHERE id = 2")
    grown = run("ingest", "--json").document
    assert [(counts["already_known"], counts["accepted"]) for counts in grown.values()] == [(2, 1), (1, 1), (2, 0)]
    lake = open_home().lake
    ledger = lake.scan(SOURCES).collect().sort("file", "read_at").select("file", "rows", "position").rows()
    assert ledger == [("courses", 2, None), ("learners", 2, None), ("log", 2, "11"), ("log", 3, "12")]
    assert set(lake.scan(INTERACTIONS).collect()[SOURCE_FILE]) == {"log"}
    titles = lake.scan(ITEMS).collect().sort("item_id")
    assert titles.select("title", "topics").rows() == [("It's; DROP TABLE log", ["x", "y"]), ("Zwei", [])]
    assert lake.scan(USERS).collect()["team"].sort().to_list() == ["blue", "green", "red"]
    assert told_below(home, USER, PASSWORD, DATABASE) == [(home / "dataset.json", DATABASE)]


def test_log_changed_in_place_is_set_aside(platform: Server, tmp_path: Path, run: Run) -> None:
    assert run("ingest", "--dataset", describe(tmp_path, "$PLATFORM"), "--source-root", tmp_path).code == 0
    platform.run("DELETE FROM log WHERE id = 10")
    again = run("ingest")
    assert again.code == 0
    assert "log was changed in place: 1 rows up to key 11 where 2 were ingested; restore it" in again.out
    assert open_home().lake.scan(INTERACTIONS).collect().height == 2


@pytest.mark.parametrize("command", ["ingest", "retrain", "evaluate"])
def test_database_that_does_not_answer(
    command: str, platform: Server, tmp_path: Path, home: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLATFORM", platform.uri.replace(str(platform.port), "1"))
    line = (command, "--dataset", describe(tmp_path, "$PLATFORM"))
    outcome = run(*line, *(() if command == "evaluate" else ("--source-root", tmp_path)))
    require_refusal(outcome, 5 if command == "evaluate" else 7)
    assert not [secret for secret in platform.secrets if secret in outcome.err]
    assert told_below(home, *platform.secrets) == []


def test_address_in_the_manifest_stays_there(platform: Server, tmp_path: Path, home: Path, run: Run) -> None:
    outcome = run("ingest", "--dataset", describe(tmp_path, platform.uri), "--source-root", tmp_path)
    assert outcome.code == 0
    assert not [secret for secret in platform.secrets if secret in outcome.out + outcome.err]
    assert told_below(home, USER, PASSWORD, platform.uri) == []


def test_variable_that_is_missing(tmp_path: Path, run: Run) -> None:
    outcome = run("ingest", "--dataset", describe(tmp_path, "$PLATFORM"), "--source-root", tmp_path)
    require_refusal(outcome, 2, "Environment variable PLATFORM is not set")


def test_sqlite_file_below_the_source_root(tmp_path: Path, run: Run) -> None:
    with closing(sqlite3.connect(tmp_path / "platform.db")) as connection, connection:
        for statement in (*SCHEMA, *ROWS):
            connection.execute(statement)
    manifest = describe(tmp_path, "sqlite:///platform.db")
    report = run("ingest", "--dataset", manifest, "--source-root", tmp_path, "--json").document
    assert [counts["accepted"] for counts in report.values()] == [2, 2, 2]


@pytest.mark.slow
def test_night_on_a_database_tells_nobody_its_address(platform: Server, tmp_path: Path, home: Path) -> None:
    platform.run(
        "TRUNCATE log, learners, courses",
        "INSERT INTO learners SELECT i, 'team ' || i % 3 FROM generate_series(1, 200) AS i",
        "INSERT INTO courses SELECT 'c' || i, 'Course ' || i, NULL FROM generate_series(1, 40) AS i",
        "INSERT INTO log SELECT i, 1 + i * 7 % 200, 'c' || 1 + i * i % 40, timestamp '2025-01-01' + i * interval '1 h'"
        " FROM generate_series(1, 4000) AS i",
    )
    told = [part for assignment in NIGHT for part in ("--set", assignment)]
    night = spawn(
        "--home", home, "retrain", "--dataset", describe(tmp_path, "$PLATFORM"), "--source-root", tmp_path, *told
    )
    assert night.code == 0, night.err
    platform.run("ALTER TABLE log RENAME TO gone")
    without = spawn("--home", home, "retrain", *told)
    assert (without.code, 'set aside): Query log cannot be run; saw \'relation "log"' in without.out) == (0, True)
    lost = spawn("--home", home, "retrain", PLATFORM=platform.uri.replace(":p%40ss", ":wrong"))
    assert (lost.code, "does not answer" in lost.err) == (7, True)
    assert (home / "prefect").is_dir()
    assert told_below(home, USER, PASSWORD, "p%40ss", "wrong%2F") == []
    for outcome in (night, without, lost):
        assert not [secret for secret in platform.secrets if secret in outcome.out + outcome.err]
