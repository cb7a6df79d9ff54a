import json
import sqlite3
from contextlib import closing
from pathlib import Path

import polars as pl
import pytest

from nightschool.errors import Busy
from nightschool.privacy.text_scrubbing import forget_in_log, forget_in_prefect, mentions
from nightschool.storage.erasure_log import UserId

ODD = ("lærner-32", "a'b\"c", "x\ny\\z", "😀", "a😀b", "Robert'); DROP TABLE users;--", "ø" * 10_000, "32", "\\?")


def found(texts: list[str], user_id: UserId) -> list[bool]:
    return pl.DataFrame({"text": texts}).select(mentions(pl.col("text"), user_id)).to_series().to_list()


@pytest.mark.parametrize("user_id", ODD, ids=range(len(ODD)))
def test_an_id_is_found_however_it_was_quoted(user_id: str) -> None:
    spelled = [user_id, f"saw {user_id!r}", repr(repr(user_id)), json.dumps([user_id]), json.dumps(repr(user_id))]
    assert found([*spelled, json.dumps(json.dumps({"seen": user_id}, ensure_ascii=False))], user_id) == [True] * 6
    assert found(["", "another text", "lærner", "DROP TABLE"], user_id) == [False] * 4


def test_an_id_is_a_word_of_its_own() -> None:
    assert found(["u1", "u10", "au1", "u1,u10", "'u1'", "u-1"], "u1") == [True, False, False, True, True, False]


def test_an_id_of_signs_stands_alone_or_between_quotes() -> None:
    assert found([".", "saw '.'", '{"who": "."}', "a. b.", "..", ""], ".") == [True, True, True, False, False, False]


def test_a_value_that_was_cut_short_is_found_too() -> None:
    assert found(["saw " + "ab-" * 40, "saw ab-ab"], "ab-" * 4000) == [True, False]


def test_a_number_is_found_wherever_it_stands() -> None:
    assert found(["14", "user 14.", "114", "140", "k=14", "2024-05-14"], 14) == [True, True, False, False, True, True]
    assert found(["-3", "3", "user -3"], -3) == [True, False, True]


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """What Prefect's database looks like, with the writes of a server that still has it open."""
    path = tmp_path / "prefect.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA secure_delete = OFF")
        for table in ("log", "flow_run_state", "task_run_state"):
            connection.execute(f"CREATE TABLE {table} (id TEXT PRIMARY KEY, message TEXT)")
            rows = [("1", "user lærner-32 is bad"), ("2", "user lærner-33 is bad"), ("3", None)]
            connection.executemany(f"INSERT INTO {table} VALUES (?, ?)", rows)
        connection.execute("CREATE TABLE events (id TEXT PRIMARY KEY, payload JSON, resource JSON)")
        payload = json.dumps({"message": "user lærner-32"})
        connection.executemany("INSERT INTO events VALUES (?, ?, ?)", [("1", payload, "{}"), ("2", "{}", "{}")])
        connection.execute("CREATE TABLE flow_run (id TEXT PRIMARY KEY, parameters JSON)")
        asked = [("1", json.dumps({"user": "lærner-32"})), ("2", json.dumps({"k": 10})), ("3", "{}")]
        connection.executemany("INSERT INTO flow_run VALUES (?, ?)", asked)
        connection.execute("INSERT INTO log VALUES ('4', 'lærner-32 was removed long ago')")
        connection.execute("DELETE FROM log WHERE id = '4'")
    return path


def rows(database: Path, table: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(database)) as connection:
        return connection.execute(f"SELECT * FROM {table} ORDER BY id").fetchall()


def test_prefect_forgets_the_texts_and_keeps_the_runs(database: Path) -> None:
    forget_in_prefect(database, "lærner-32")
    assert rows(database, "log") == [("2", "user lærner-33 is bad"), ("3", None)]
    states = [("1", ""), ("2", "user lærner-33 is bad"), ("3", None)]
    assert rows(database, "flow_run_state") == rows(database, "task_run_state") == states
    assert rows(database, "events") == [("2", "{}", "{}")]
    assert rows(database, "flow_run") == [("1", "{}"), ("2", '{"k": 10}'), ("3", "{}")]
    for file in database.parent.iterdir():
        assert b"rner-32" not in file.read_bytes()
    forget_in_prefect(database, "lærner-32")
    assert len(rows(database, "log")) == 2


def test_a_database_that_somebody_else_keeps_busy_is_told(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nightschool.privacy.text_scrubbing._PATIENCE_SECONDS", 0.05)
    with closing(sqlite3.connect(database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Busy, match="stop the Prefect server"):
            forget_in_prefect(database, "lærner-32")


def test_a_log_that_mentions_the_user_is_emptied(tmp_path: Path) -> None:
    log, other = tmp_path / "worker.log", tmp_path / "server.log"
    log.write_bytes(b"started\n\xffuser " + "lærner-32".encode() + b" is bad\n")
    other.write_text("user lærner-33 is bad\n")
    for file in (log, other):
        forget_in_log(file, "lærner-32")
    assert log.read_bytes() == b""
    assert other.read_text() == "user lærner-33 is bad\n"
