"""Who was shown which list of an experiment, in new homes and in old ones."""

import json
from typing import Any

import polars as pl
import pytest
import sqlalchemy as sa

from nightschool.shown.exposures import exposed_users, read_exposures
from nightschool.shown.impression_store import ImpressionStore
from nightschool.shown.list_store import ListRow, ListStore
from nightschool.storage.events import EventStore
from nightschool.storage.tables import EXPOSURES
from tests.shown.given import START, a_list, did, seen


def of_arm(list_id: str, arm: str, user_id: str | None = "u", **told: Any) -> ListRow:
    arms = json.dumps({"another, 'x'": "1", 'a "name"': arm}, separators=(",", ":"))
    return a_list(list_id, [f"{list_id}1", f"{list_id}2"], user_id, arms=arms, **told)


def exposures(database: sa.Engine, name: str = 'a "name"') -> list[tuple[Any, ...]]:
    with database.connect() as connection:
        found = read_exposures(connection, name)
        assert {row[0] for row in connection.execute(exposed_users(connection, name))} >= {*found["user_id"]}
    items = pl.col("items").list.eval(pl.element().struct.field("item_id")).list.join(" ")
    return found.select("user_id", "arm", (pl.col("at") - START).dt.total_hours(), items).rows()


@pytest.fixture
def made(database: sa.Engine) -> sa.Engine:
    rows = [of_arm("a", "one"), of_arm("b", "two", "v"), of_arm("c", "one", tuned=True), of_arm("d", "one", None)]
    ListStore(database).append([*rows, of_arm("e", "one"), a_list("f", "x")])
    return database


def test_a_list_counts_from_its_first_impression_or_event(made: sa.Engine) -> None:
    assert exposures(made) == []
    ImpressionStore(made).append([seen("a", 5), seen("a", 3, [1]), seen("f", 1), seen("unknown", 1)])
    EventStore(made).append([did("b1", 4, list_id="b", user_id="v"), did("a1", 4, list_id="a"), did("e1", 1)])
    assert exposures(made) == [("u", "one", 3, "a1 a2"), ("v", "two", 4, "b1 b2")]
    assert [row[:2] for row in exposures(made, "another, 'x'")] == [("u", "1"), ("v", "1")]
    assert exposures(made, "unknown") == []


def test_lists_that_were_changed_by_hand_and_those_of_sessions_do_not_count(made: sa.Engine) -> None:
    ImpressionStore(made).append([seen("c", 1), seen("d", 1, user_id=None)])
    assert exposures(made) == []


def test_what_old_homes_hold_still_counts(made: sa.Engine) -> None:
    old = {"experiment": 'a "name"', "user_id": "w", "arm": "two", "release_id": "r", "at": START}
    items = json.dumps([{"item_id": "x", "propensity": 0.5}])
    with made.begin() as connection:
        connection.execute(
            sa.insert(EXPOSURES), [{**old, "items": items}, {**old, "experiment": "other", "items": "[]"}]
        )
    ImpressionStore(made).append([seen("a", 1)])
    assert exposures(made) == [("w", "two", 0, "x"), ("u", "one", 1, "a1 a2")]


def test_propensities_are_those_of_the_list(made: sa.Engine) -> None:
    ImpressionStore(made).append([seen("a", 1)])
    with made.connect() as connection:
        (items,) = read_exposures(connection, 'a "name"')["items"].to_list()
    assert items == [{"item_id": "a1", "propensity": 1.0}, {"item_id": "a2", "propensity": 1.0}]
