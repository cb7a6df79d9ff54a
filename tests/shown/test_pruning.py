"""What is removed from the database, and what stays of it."""

import json
from datetime import timedelta

import pytest
import sqlalchemy as sa

from nightschool.shown.exposures import read_exposures
from nightschool.shown.impression_store import Impression, ImpressionStore
from nightschool.shown.list_store import ListStore
from nightschool.shown.pruning import count_unknown, prune_lists
from nightschool.storage.events import EventStore
from tests.shown.given import START, a_list, did, seen

DAY = timedelta(days=1)


@pytest.fixture
def filled(database: sa.Engine) -> sa.Engine:
    """Lists of the first day: seen, clicked, and neither."""
    arms = json.dumps({"other": "x", "try": "b"})
    store = ListStore(database)
    store.append([a_list("seen", "xy", arms=arms), a_list("clicked", "x"), a_list("unseen", "x", arms=arms)])
    store.append([a_list(f"n{n}", "x") for n in range(1_200)])
    store.append([a_list("new", "x", made_at=START + 95 * DAY)])
    ImpressionStore(database).append([seen("seen", 1), seen("new", 95 * 24), seen("unknown", 1)])
    EventStore(database).append([did("x", 2, list_id="clicked")])
    return database


def left(database: sa.Engine) -> list[str]:
    with database.connect() as connection:
        return sorted(connection.exec_driver_sql("SELECT list_id FROM lists").scalars())


def test_lists_that_nobody_saw_go_after_a_week(filled: sa.Engine) -> None:
    assert prune_lists(filled, START + 6 * DAY, None) == 0
    assert prune_lists(filled, START + 8 * DAY, None) == 1_201
    assert left(filled) == ["clicked", "new", "seen"]
    assert prune_lists(filled, START + 400 * DAY, None) == 0


def test_what_the_lake_holds_goes_after_ninety_days(filled: sa.Engine) -> None:
    for now, stored_to, lists in (
        (START + 89 * DAY, START + 89 * DAY, ["clicked", "new", "seen"]),
        (START + 99 * DAY, START - DAY, ["clicked", "new", "seen"]),
        (START + 99 * DAY, START + 95 * DAY, ["new"]),
    ):
        prune_lists(filled, now, stored_to)
        assert left(filled) == lists


def test_first_exposures_of_experiments_stay(filled: sa.Engine) -> None:
    with filled.connect() as connection:
        before = {name: read_exposures(connection, name).rows() for name in ("try", "other")}
    assert [row[:2] for row in before["try"]] == [("u", "b")]
    prune_lists(filled, START + 99 * DAY, START + 95 * DAY)
    with filled.connect() as connection:
        assert {name: read_exposures(connection, name).rows() for name in ("try", "other")} == before


def test_impressions_of_unknown_lists_are_counted(filled: sa.Engine) -> None:
    with filled.begin() as connection:
        connection.exec_driver_sql("UPDATE impressions SET received_at = at")
    assert count_unknown(filled, START, START + DAY) == 1
    assert count_unknown(filled, START + DAY, START + 99 * DAY) == 0
    ImpressionStore(filled).append([Impression("late", "gone", None, START)])
    prune_lists(filled, START + 99 * DAY, START + 95 * DAY)
    with filled.connect() as connection:
        left = connection.exec_driver_sql("SELECT list_id FROM impressions ORDER BY list_id").scalars().all()
    assert left == ["gone", "new"]
