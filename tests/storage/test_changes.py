"""What was said of items and users, as the database keeps it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from nightschool.storage.changes import Change, ChangeStore, StoredChange
from nightschool.storage.database import open_database
from nightschool.storage.tables import ITEM_CHANGES, USER_CHANGES

TITLED = {"title": "Seven"}


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[sa.Engine]:
    """A database of either kind with empty tables."""
    address = f"sqlite:///{tmp_path / 'events.db'}"
    if request.param == "postgresql":
        server = request.getfixturevalue("postgres")
        server.run("DROP SCHEMA public CASCADE", "CREATE SCHEMA public")
        address = server.uri
    engine = open_database(address)
    yield engine
    engine.dispose()


def test_changes_are_stored_together_in_the_order_of_their_sequence(database: sa.Engine) -> None:
    store = ChangeStore(database, ITEM_CHANGES)
    began = datetime.now(UTC)
    stored = store.append([Change("7", "put", TITLED), Change("8", "withdraw", {})], "somebody")
    assert [(each.sequence, each.entity_id, again) for each, again in stored] == [(1, "7", False), (2, "8", False)]
    assert stored[0][0].attributes == TITLED
    assert began <= stored[0][0].at == stored[1][0].at <= datetime.now(UTC)
    ((later, _),) = store.append([Change("7", "patch", {"title": None})])
    assert later.at > stored[0][0].at
    assert store.since(began) == store.after(0) == [*(each for each, _ in stored), later]
    assert (store.after(2), store.since(later.at), store.newest()) == ([later], [], 3)
    assert ChangeStore(database, USER_CHANGES).newest() == 0


def test_times_rise_though_a_clock_was_set_back(database: sa.Engine) -> None:
    store = ChangeStore(database, ITEM_CHANGES)
    ahead = datetime.now(UTC) + timedelta(hours=1)
    row = {"item_id": "7", "action": "put", "attributes": TITLED, "at": ahead}
    with database.begin() as connection:
        connection.execute(sa.insert(ITEM_CHANGES), [row])
    ((stored, _),) = store.append([Change("8", "put", TITLED)])
    assert stored.at == ahead + timedelta(microseconds=1)


def test_what_was_said_last_is_not_stored_again_unless_a_release_overruled_it(database: sa.Engine) -> None:
    store = ChangeStore(database, ITEM_CHANGES)

    def said(change: Change) -> StoredChange | None:
        ((stored, again),) = store.append([change])
        return None if again else stored

    first = said(Change("7", "put", TITLED))
    assert first is not None
    assert said(Change("7", "put", TITLED, known_at=first.at)) is None
    assert said(Change("7", "put", {"title": "Eight"})) is not None
    assert said(Change("7", "put", TITLED)) is not None
    overruled = datetime.now(UTC) + timedelta(hours=1)
    assert said(Change("7", "put", TITLED, known_at=overruled)) is not None
    assert (store.count_of("7"), store.count_of("8"), store.count_of("\0")) == (4, 0, 0)


def test_what_is_there_was_put_and_not_withdrawn(database: sa.Engine) -> None:
    store = ChangeStore(database, ITEM_CHANGES)
    for name, actions in {"put": ["put"], "gone": ["put", "withdraw"], "back": ["put", "withdraw", "patch"]}.items():
        for action in actions:
            store.append([Change(name, action, {})])  # type: ignore[arg-type]
    store.append([Change("of a file", "patch", TITLED), Change("of a file and gone", "withdraw", {})])
    assert store.there() == {"put", "back"}
