"""From a list through a real server to a row of the night's table."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import polars as pl
import pytest
import sqlalchemy as sa

from nightschool.columns import SHOWN
from nightschool.shown.attribution import WINDOW
from nightschool.shown.lake_table import append_shown
from nightschool.shown.shown_frame import read_shown
from nightschool.storage.database import open_database
from nightschool.storage.home import Home
from serving.answers import ListRequest
from serving.app import with_middleware
from serving.service import Service
from tests.serving.conftest import copied
from tests.serving.homes import make_home, publish, settings_of
from tests.serving.server import client_of


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Home:
    home = make_home(tmp_path_factory.mktemp("published") / "home")
    publish(home)
    return home


@pytest.fixture
def home(published: Home, tmp_path: Path) -> Home:
    return copied(published, tmp_path / "own")


def rows(home: Home) -> pl.DataFrame:
    engine = open_database(settings_of(home).events_address)
    now = datetime.now(UTC)
    return read_shown(engine, now - timedelta(days=9), now + timedelta(days=1)).sort("list_id", "place")


def wait(home: Home, until: Callable[[pl.DataFrame], bool]) -> pl.DataFrame:
    """What was shown, once an upkeep step has made something true of it."""
    for _ in range(100):
        if until(found := rows(home)):
            return found
        time.sleep(0.05)
    raise AssertionError(found)


def list_of(client: httpx.Client, user: int) -> dict[str, Any]:
    return dict(client.get(f"/v1/users/{user}/recommendations").json())


def test_a_list_that_is_shown_and_clicked_is_a_row_of_the_night_s_table(home: Home) -> None:
    with client_of(with_middleware(Service(settings_of(home)))) as client:
        made = list_of(client, 7)
        item = made["items"][1]["item_id"]
        seen = {"list_id": made["list_id"], "user_id": 7, "places": [1, 2], "impression_id": "a"}
        clicked = {"user_id": 7, "item_id": item, "event": "view", "list_id": made["list_id"]}
        for _ in range(2):
            assert client.post("/v1/impressions", json=seen).status_code == 201
        assert client.post("/v1/events", json=clicked).status_code == 201
        wait(home, lambda found: found.height == 2)
    engine = open_database(settings_of(home).events_address)
    assert append_shown(home.lake, engine, datetime.now(UTC)) == 0
    assert append_shown(home.lake, engine, datetime.now(UTC) + WINDOW) == 2
    first, second = home.lake.scan(SHOWN).sort("place").collect().to_dicts()
    assert (first["user_id"], first["item_id"], first["times"]) == (7, made["items"][0]["item_id"], 1)
    assert (second["item_id"], second["release_id"], second["propensity"]) == (item, made["release_id"], 1.0)
    assert (first["viewed_at"], second["viewed_at"] is not None) == (None, True)


def test_an_event_may_come_before_the_impression_of_its_list(home: Home) -> None:
    with client_of(with_middleware(Service(settings_of(home)))) as client:
        made = list_of(client, 7)
        about = {"user_id": 7, "list_id": made["list_id"]}
        item = made["items"][2]["item_id"]
        client.post("/v1/events", json={**about, "item_id": item, "event": "complete"}).raise_for_status()
        client.post("/v1/impressions", json=about).raise_for_status()
        found = wait(home, lambda found: found.height == len(made["items"]))
    clicked = found.row(2, named=True)
    assert clicked["completed_at"] == clicked["shown_at"] < found["shown_at"][0]


def test_lists_of_an_older_release_are_still_shown(home: Home) -> None:
    service = Service(settings_of(home))
    with client_of(with_middleware(service)) as client:
        before = list_of(client, 7)
        publish(home, k=19)
        service.refresh()
        assert list_of(client, 7)["list_id"] != before["list_id"]
        client.post("/v1/impressions", json={"user_id": 7, "list_id": before["list_id"]}).raise_for_status()
        found = wait(home, lambda found: not found.is_empty())
    assert found["release_id"].unique().to_list() == [before["release_id"]]


def test_ten_thousand_impressions_are_one_row_a_place(home: Home) -> None:
    with client_of(with_middleware(Service(settings_of(home)))) as client:
        made = list_of(client, 7)
        each = {"user_id": 7, "list_id": made["list_id"]}
        for _ in range(10):
            client.post("/v1/impressions", json={"impressions": [each] * 1_000}).raise_for_status()
        found = wait(home, lambda found: not found.is_empty())
    assert found["times"].to_list() == [10_000] * len(made["items"])


def test_a_server_that_ends_writes_its_lists_and_one_that_is_killed_loses_only_the_newest(home: Home) -> None:
    with client_of(with_middleware(Service(settings_of(home)))) as client:
        made = list_of(client, 7)
    killed = Service(settings_of(home))
    lost = killed.lists.body(8, ListRequest()).row.list_id
    engine = open_database(settings_of(home).events_address)
    with engine.connect() as connection:
        kept = connection.execute(sa.text("SELECT list_id FROM lists")).scalars().all()
    assert (made["list_id"] in kept, lost in kept) == (True, False)
    with client_of(with_middleware(Service(settings_of(home)))) as client:
        client.post("/v1/impressions", json={"user_id": 8, "list_id": lost}).raise_for_status()
        client.post("/v1/impressions", json={"user_id": 7, "list_id": made["list_id"]}).raise_for_status()
    assert rows(home)["list_id"].unique().to_list() == [made["list_id"]]
