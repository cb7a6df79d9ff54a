import random
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from nightschool.storage.sqlite_pages import overwrite_unused

GONE = b"somebody-who-is-gone"


def connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, timeout=30)
    connection.execute("PRAGMA journal_mode = WAL")
    return connection


def rows(generator: random.Random, n: int, user: str) -> Iterator[tuple[str, str]]:
    return ((f"{generator.getrandbits(64):x}-{user}", user * generator.randrange(1, 20)) for _ in range(n))


@pytest.fixture
def littered(tmp_path: Path) -> Path:
    """A database whose pages were split and emptied over and over, without `secure_delete`; somebody left it."""
    path, generator = tmp_path / "events.db", random.Random(7)
    with closing(connect(path)) as connection:
        connection.execute("PRAGMA secure_delete = OFF")
        connection.execute("CREATE TABLE events (id TEXT PRIMARY KEY, text TEXT)")
        for _ in range(20):
            connection.execute("BEGIN")
            for user in (GONE.decode(), "somebody-who-stays"):
                connection.executemany("INSERT INTO events VALUES (?, ?)", rows(generator, 100, user))
            connection.execute("DELETE FROM events WHERE random() % 3 = 0")
            connection.execute("COMMIT")
        connection.execute("DELETE FROM events WHERE id LIKE ?", (f"%{GONE.decode()}",))
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return path


def content(path: Path) -> list[tuple[str, str]]:
    with closing(connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return connection.execute("SELECT * FROM events ORDER BY id").fetchall()


def test_no_byte_of_what_was_removed_is_left_and_every_row_stays(littered: Path) -> None:
    before = content(littered)
    assert GONE in littered.read_bytes()
    with closing(connect(littered)) as connection:
        assert overwrite_unused(littered, connection)
    assert GONE not in littered.read_bytes()
    assert content(littered) == before


def test_others_read_and_write_meanwhile_and_bring_nothing_back(littered: Path) -> None:
    over, written = threading.Event(), 0

    def write() -> None:
        nonlocal written
        with closing(connect(littered)) as other:
            while not over.wait(0.005):
                assert other.execute("SELECT count(*) FROM events").fetchone()[0] > 0
                other.executemany(
                    "INSERT INTO events VALUES (?, ?)", rows(random.Random(written), 3, f"new {written} ")
                )
                written += 3

    writer = threading.Thread(target=write)
    writer.start()
    with closing(connect(littered)) as connection:
        assert overwrite_unused(littered, connection)
    over.set()
    writer.join()
    assert written
    content(littered)
    with closing(connect(littered)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert GONE not in littered.read_bytes()


def test_a_database_that_others_keep_busy_is_left_alone(littered: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nightschool.storage.sqlite_pages._TRIES", 2)
    with closing(connect(littered)) as reader, closing(connect(littered)) as writer:
        writer.execute("PRAGMA busy_timeout = 50")
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM events").fetchone()
        writer.execute("INSERT INTO events VALUES ('a', 'b')")
        before = littered.read_bytes()
        assert not overwrite_unused(littered, writer)
    assert littered.read_bytes()[4096:] == before[4096:] or content(littered)
