from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from nightschool.storage.database import make_tables, open_database, reading, write_one_by_one, writing
from nightschool.storage.events import EventStore, Sent
from nightschool.storage.places import next_place
from nightschool.storage.tables import UNDONE

AT = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def store(database: sa.Engine) -> EventStore:
    return EventStore(database)


def places(engine: sa.Engine) -> dict[str, int | None]:
    with reading(engine) as connection:
        rows = connection.execute(sa.select(UNDONE.c.event_id, UNDONE.c.place).order_by(UNDONE.c.sequence))
        return dict(rows.tuples().all())


def send(store: EventStore, *ids: str) -> list[int]:
    events = [Sent(event_id, "u", "i", "like", AT) for event_id in ids]
    return [stored.sequence for stored, _ in store.append(events)]


def test_what_is_taken_back_has_a_place_of_its_own_among_events(store: EventStore, database: sa.Engine) -> None:
    assert send(store, "a", "b") == [1, 2]
    store.undo("a", None)
    assert send(store, "c") == [4]
    for event_id in ("c", "a", "b"):
        store.undo(event_id, None)
    assert places(database) == {"a": 3, "c": 5, "b": 6}
    with writing(database) as connection:
        write_one_by_one(connection)
        assert [next_place(connection), next_place(connection)] == [7, 8]
    assert send(store, "d") == [9]


def test_no_place_is_given_again_though_the_newest_events_are_gone(store: EventStore, database: sa.Engine) -> None:
    send(store, "a")
    store.append([Sent("b", "v", "i", "like", AT)])
    store.forget("v")
    store.undo("a", None)
    assert places(database) == {"a": 3}


def test_what_was_taken_back_before_there_were_places_gets_one(store: EventStore, address: str) -> None:
    send(store, "a", "b", "c")
    for event_id in ("c", "a"):
        store.undo(event_id, None)
    older = open_database(address)
    with writing(older) as connection:
        connection.exec_driver_sql("ALTER TABLE undone DROP COLUMN place")
    make_tables(older)
    make_tables(older)
    assert places(older) == {"c": 6, "a": 7}
    assert send(store, "d") == [8]
    older.dispose()
