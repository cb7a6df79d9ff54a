from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import sqlalchemy as sa

from nightschool.application.bind_home import bind_home
from nightschool.application.forget import forget, look_for
from nightschool.application.home import manifest_of, open_home
from nightschool.application.sources import ingest_sources, list_files
from nightschool.columns import INTERACTIONS, QUARANTINE, SOURCES
from nightschool.errors import NotFound, Unreachable
from nightschool.ingest import feedback_events
from nightschool.settings import Settings
from nightschool.storage.as_of import scan_at
from nightschool.storage.database import open_database, writing
from nightschool.storage.events import EventStore, Sent
from nightschool.storage.home import Home
from nightschool.storage.lake import Lake
from nightschool.storage.tables import EXPOSURES

AT = datetime(2026, 1, 1, 12, tzinfo=UTC)
MANIFEST = """
name = "mine"
score = "rating"
[interactions]
files = ["log.csv"]
user = "user"
item = "item"
rating = { column = "rating", min = 1, max = 5 }
timestamp = { column = "at", unit = "iso" }
[users]
files = ["users.csv"]
id = "user"
"""


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def database(request: pytest.FixtureRequest, home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[sa.Engine]:
    """A database of either kind with empty tables, which the settings name."""
    address = f"sqlite:///{home / 'events.db'}"
    if request.param == "postgresql":
        server = request.getfixturevalue("postgres")
        server.run("DROP SCHEMA public CASCADE", "CREATE SCHEMA public")
        monkeypatch.setenv("NIGHTSCHOOL_EVENTS_URI", server.uri)
        address = server.uri
    engine = open_database(address)
    yield engine
    engine.dispose()


@pytest.fixture
def opened(tmp_path: Path) -> Home:
    """A home of two people, who have rated an item each."""
    (tmp_path / "mine.toml").write_text(MANIFEST)
    (tmp_path / "users.csv").write_text("user\n1\n2\n3\n")
    (tmp_path / "log.csv").write_text("user,item,rating,at\n1,7,4,2025-01-01\n2,8,3,2025-01-01\n")
    bound = bind_home(str(tmp_path / "mine.toml"), tmp_path)
    ingest_sources(bound, None)
    return bound


def send(database: sa.Engine, *events: tuple[str, str, str]) -> None:
    """Events of user, item and type, one after the other."""
    store = EventStore(database)
    first = store.newest() + 1
    store.append([Sent(f"e{first + n}", *event, AT + timedelta(minutes=first + n)) for n, event in enumerate(events)])


def counts(home: Home) -> dict[str, Any]:
    return ingest_sources(home, None).to_dict()["interactions"]


def taken(home: Home) -> list[tuple[Any, ...]]:
    rows = home.lake.scan(INTERACTIONS).filter(pl.col("source_file") == "sent_events").sort("source_row").collect()
    return rows.select("user_id", "item_id", "event", "rating").rows()


def test_events_come_in_exactly_once(database: sa.Engine, opened: Home) -> None:
    send(database, ("1", "8", "like"), ("2", "7", "view"), ("2", "7", "hide"))
    assert counts(opened) == {
        "rows_in": 4,
        "already_known": 2,
        "accepted": 2,
        "quarantined": 0,
        "reasons": {},
    }
    assert counts(opened) == {"rows_in": 4, "already_known": 4, "accepted": 0, "quarantined": 0, "reasons": {}}
    send(database, ("3", "7", "complete"))
    assert counts(opened) == {"rows_in": 5, "already_known": 4, "accepted": 1, "quarantined": 0, "reasons": {}}
    assert taken(opened) == [(1, 8, "like", 5.0), (2, 7, "hide", None), (3, 7, "complete", 5.0)]


def test_contexts_that_were_sent_come_in_also_where_the_database_is_older(
    database: sa.Engine, opened: Home, tmp_path: Path
) -> None:
    send(database, ("1", "8", "like"))
    assert counts(opened)["accepted"] == 1
    (tmp_path / "mine.toml").write_text(MANIFEST.replace("[users]", 'context = ["device"]\n[users]'))
    (tmp_path / "log.csv").unlink()
    (tmp_path / "log.csv").write_text("user,item,rating,at,device\n1,7,4,2025-01-01,\n2,8,3,2025-01-01,\n")
    with writing(database) as connection:
        connection.exec_driver_sql("ALTER TABLE events DROP COLUMN context")
    again = open_database(Settings().events_address)
    EventStore(again).append([Sent("e9", "3", "7", "like", AT, context={"device": "phone"})])
    again.dispose()
    assert counts(opened)["accepted"] == 1
    rows = opened.lake.scan(INTERACTIONS).filter(pl.col("source_file") == "sent_events").sort("source_row").collect()
    assert rows.select("user_id", "device").rows() == [(1, None), (3, "phone")]


def learned(home: Home) -> list[tuple[Any, ...]]:
    """What a night learns from of what people sent: user, item and event."""
    rows = scan_at(home.lake, INTERACTIONS, datetime.now(UTC)).filter(pl.col("source_file") == "sent_events")
    return rows.sort("source_row").select("user_id", "item_id", "event").collect().rows()


def test_what_was_taken_back_before_a_night_is_not_learned_from(database: sa.Engine, opened: Home) -> None:
    send(database, ("1", "8", "like"), ("2", "7", "hide"), ("3", "7", "view"))
    for event_id in ("e1", "e3"):
        EventStore(database).undo(event_id, None)
    assert counts(opened) == {"rows_in": 5, "already_known": 2, "accepted": 3, "quarantined": 0, "reasons": {}}
    assert learned(opened) == [(2, 7, "hide")]
    assert counts(opened)["accepted"] == 0


def test_what_was_taken_back_after_a_night_is_withdrawn_by_the_next(database: sa.Engine, opened: Home) -> None:
    store = EventStore(database)
    send(database, ("1", "8", "like"), ("2", "7", "hide"))
    counts(opened)
    assert learned(opened) == [(1, 8, "like"), (2, 7, "hide")]
    then = datetime.now(UTC)
    store.undo("e1", "1")
    send(database, ("3", "8", "like"))
    assert counts(opened)["accepted"] == 2
    assert learned(opened) == [(2, 7, "hide"), (3, 8, "like")]
    assert scan_at(opened.lake, INTERACTIONS, then).filter(pl.col("item_id") == 8).collect().height == 2
    # It was like this or like that: the newest says which.
    send(database, ("1", "8", "like"))
    store.undo("e3", "3")
    assert counts(opened)["accepted"] == 2
    assert learned(opened) == [(2, 7, "hide"), (1, 8, "like")]
    assert (counts(opened)["accepted"], counts(opened)["already_known"]) == (0, 8)


def test_who_is_forgotten_may_have_taken_something_back(database: sa.Engine, opened: Home) -> None:
    store = EventStore(database)
    send(database, ("1", "8", "like"), ("2", "7", "hide"), ("3", "7", "like"))
    for event_id in ("e2", "e3"):
        store.undo(event_id, None)
    counts(opened)
    forget(opened, "2")
    store.undo("e1", "1")
    send(database, ("3", "8", "hide"))
    assert counts(opened)["accepted"] == 2
    assert learned(opened) == [(3, 8, "hide")]
    forget(opened, "3")
    assert (counts(opened)["accepted"], learned(opened)) == (0, [])


def test_a_database_of_before_places_is_read_on(database: sa.Engine, opened: Home) -> None:
    store = EventStore(database)
    send(database, ("1", "8", "like"), ("2", "7", "hide"), ("3", "7", "like"))
    counts(opened)
    for event_id in ("e2", "e1"):
        store.undo(event_id, None)
    with writing(database) as connection:
        connection.exec_driver_sql("ALTER TABLE undone DROP COLUMN place")
    send(database, ("3", "8", "like"))
    assert counts(opened)["accepted"] == 3
    assert learned(opened) == [(3, 7, "like"), (3, 8, "like")]
    assert counts(opened)["accepted"] == 0


def test_an_ingest_that_was_killed_takes_them_in_once(
    database: sa.Engine, opened: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(database, ("1", "8", "like"), ("2", "7", "hide"))
    append = Lake.append

    def dying(lake: Lake, table: Any, *rows: Any) -> None:
        if table is SOURCES:
            raise KeyboardInterrupt
        append(lake, table, *rows)

    with monkeypatch.context() as patch:
        patch.setattr(Lake, "append", dying)
        with pytest.raises(KeyboardInterrupt):
            counts(opened)
    assert len(taken(opened)) == 2
    assert counts(opened)["accepted"] == 2
    assert len(taken(opened)) == 2


def test_nothing_is_asked_of_a_database_that_holds_nothing_to_learn_from(database: sa.Engine, opened: Home) -> None:
    assert counts(opened)["rows_in"] == 2
    send(database, ("1", "8", "view"))
    assert counts(opened)["rows_in"] == 2
    assert len(manifest_of(opened).interactions) == 1
    send(database, ("1", "8", "dislike"))
    assert counts(opened)["accepted"] == 1
    assert manifest_of(open_home()).exclusions == {"dislike": -5.0, "hide": -10.0}


def test_a_home_without_a_database_stays_without(opened: Home) -> None:
    assert counts(opened)["rows_in"] == 2
    assert not opened.paths.events_database.exists()


def test_unknown_people_and_ids_that_are_none_wait_in_quarantine_and_hold_nobody_up(
    database: sa.Engine, opened: Home
) -> None:
    send(database, *[(user, "7", "like") for user in ("99", "x", "1", "'; DROP TABLE events; --")])
    found = counts(opened)
    assert found["reasons"] == {"bad_user": 2, "unknown_user": 1}
    assert (found["rows_in"], found["accepted"], found["quarantined"]) == (6, 1, 3)
    (opened.binding.source_root / "users.csv").write_text("user\n1\n2\n3\n99\n")
    counts(opened)
    assert sorted(user for user, *_ in taken(opened)) == [1, 99]


def test_an_id_that_somebody_chose_stands_for_no_event_of_another_source(database: sa.Engine, opened: Home) -> None:
    send(database, ("1", "7", "hide"))
    counts(opened)
    assert opened.lake.scan(INTERACTIONS).select("event_id").collect()["event_id"].drop_nulls().to_list() == ["sent:e1"]


def test_who_is_forgotten_is_in_no_event_and_the_next_night_goes_on(database: sa.Engine, opened: Home) -> None:
    send(database, ("1", "8", "like"), ("2", "7", "hide"), ("1", "7", "view"), ("2", "8", "like"), ("3", "7", "like"))
    with writing(database) as connection:
        row = {"experiment": "x", "user_id": "2", "arm": "a", "release_id": "r", "at": AT, "items": "[]"}
        connection.execute(sa.insert(EXPOSURES), [row])
    counts(opened)
    assert look_for(opened, "2")["events"] == 2
    assert forget(opened, "2")["removed"]["events"] == 2
    assert EventStore(database).of_user("2") == []
    with database.connect() as connection:
        assert connection.execute(sa.select(EXPOSURES)).all() == []
    assert [user for user, *_ in taken(opened)] == [1, 3]
    send(database, ("3", "8", "hide"), ("2", "7", "like"))
    found = counts(opened)
    assert (found["accepted"], found["reasons"]) == (1, {"forgotten_user": 1})
    assert [row[:3] for row in taken(opened)] == [(1, 8, "like"), (3, 7, "like"), (3, 8, "hide")]
    assert counts(opened)["accepted"] == 0
    forget(opened, "1")
    forget(opened, "3")
    assert counts(opened)["accepted"] == 0


@pytest.mark.parametrize("step", ["forget", "after_erasure"])
def test_an_erasure_that_was_killed_is_finished_by_the_next_ingest(
    step: str, database: sa.Engine, opened: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(database, ("1", "8", "like"), ("2", "7", "hide"))
    counts(opened)

    def dying(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(*((EventStore, step) if step == "forget" else (feedback_events, step)), dying)
        with pytest.raises(KeyboardInterrupt):
            forget(opened, "2")
    assert forget(opened, "2")["removed"]["events"] == 1
    assert EventStore(database).of_user("2") == []
    assert counts(opened)["accepted"] == 0
    with pytest.raises(NotFound, match="no such user any more"):
        forget(opened, "2")


def test_rows_that_vanish_otherwise_are_refused(database: sa.Engine, opened: Home) -> None:
    send(database, ("1", "8", "like"), ("2", "7", "hide"))
    counts(opened)
    EventStore(database).forget("2")
    assert counts(opened)["accepted"] == 0
    (aside,) = [file for file in list_files(opened) if file["state"] == "set aside"]
    assert "sent_events was changed in place" in aside["reason"]


def test_who_only_ever_sent_events_can_be_forgotten(database: sa.Engine, opened: Home) -> None:
    send(database, ("55", "8", "like"))
    assert look_for(opened, "55") == {"events": 1}
    forget(opened, "55")
    assert EventStore(database).of_user("55") == []
    assert opened.lake.scan(QUARANTINE).collect().is_empty()


def test_a_database_that_does_not_answer_is_told_without_its_address(
    opened: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NIGHTSCHOOL_EVENTS_URI", "postgresql://somebody:secret@127.0.0.1:1/platform")
    with pytest.raises(Unreachable) as caught:
        counts(opened)
    assert not [part for part in ("somebody", "secret", "127.0.0.1") if part in str(caught.value)]
