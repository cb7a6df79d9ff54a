import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from nightschool.storage import erasing
from nightschool.storage.database import open_database, reading, writing
from nightschool.storage.erasing import erase
from nightschool.storage.tables import EVENTS

AT = datetime(2026, 1, 1, tzinfo=UTC)


def fill(engine: sa.Engine, n: int) -> None:
    texts = dict.fromkeys(("user_id", "item_id", "event"), "x")
    with writing(engine) as connection:
        rows = [{**texts, "event_id": f"{number}", "at": AT, "received_at": AT} for number in range(n)]
        connection.execute(sa.insert(EVENTS), rows)


def test_erase_tells_how_many_rows_went(database: sa.Engine) -> None:
    fill(database, 130)
    assert erase(database, EVENTS, EVENTS.c.event_id != "1") == 129
    assert erase(database, EVENTS, EVENTS.c.event_id == "7") == 0
    with reading(database) as connection:
        assert connection.execute(sa.select(EVENTS.c.event_id)).scalars().all() == ["1"]


def test_steps_are_as_short_as_others_may_wait_and_rests_are_longer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a disk that takes a millisecond a row, of whose time the test keeps the clock."""
    engine = open_database(f"sqlite:///{tmp_path / 'events.db'}")
    fill(engine, 400)
    now, held, rested = 0.0, list[float](), list[float]()

    @contextmanager
    def slow(engine: sa.Engine) -> Iterator[sa.Connection]:
        nonlocal now
        since = now
        with writing(engine) as connection:
            before = connection.execute(sa.select(sa.func.count()).select_from(EVENTS)).scalar_one()
            yield connection
            now += 0.001 * (before - connection.execute(sa.select(sa.func.count()).select_from(EVENTS)).scalar_one())
        held.append(now - since)

    monkeypatch.setattr(erasing, "writing_unsynced", slow)
    monkeypatch.setattr(erasing, "rest", rested.append)
    monkeypatch.setattr(erasing, "perf_counter", lambda: now)
    assert erase(engine, EVENTS, sa.true()) == 400
    assert len(held) > 30
    assert max(held[2:]) < 0.011
    assert rested == held[:-1]


def test_others_write_between_the_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "events.db"
    engine, steps = open_database(f"sqlite:///{path}"), 0
    fill(engine, 300)

    def write(_: Any) -> None:
        nonlocal steps
        steps += 1
        with closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            other.execute("UPDATE events SET item_id = 'seen' WHERE event_id = 'kept'")
            other.execute("COMMIT")

    monkeypatch.setattr(erasing, "rest", write)
    thread = threading.Thread(target=erase, args=(engine, EVENTS, EVENTS.c.event_id != "1"))
    thread.start()
    thread.join(60)
    assert not thread.is_alive()
    assert steps > 1
