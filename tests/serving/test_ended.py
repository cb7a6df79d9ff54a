"""Over a published home: items that ended and users who left by T, however a list is asked for."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import polars as pl
import pytest

from nightschool.columns import (
    AVAILABLE_AT,
    INTERACTIONS,
    ITEM_ID,
    ITEMS,
    TITLE,
    UNTIL,
    USER_ID,
    USERS,
    WITHDRAWN,
    Table,
)
from nightschool.storage.home import Home
from nightschool.storage.lake import Lake
from nightschool.storage.release_reader import Reader
from serving.answers import ListRequest, make_list
from serving.exploration import explored_list
from serving.rules import Rules
from serving.user_search import search_users
from serving.user_state import UserState
from tests.serving.client import Api
from tests.serving.conftest import Served, opened
from tests.serving.homes import publish
from tests.serving.sent import history, stored

HOUR = timedelta(hours=1)


def append(lake: Lake, table: Table, **values: Any) -> None:
    """One row of users or items, nulls where nothing is said."""
    schema = {**lake.schema(table), **table.optional}
    lake.append(table, pl.DataFrame([values], schema=schema))


@dataclass(frozen=True, eq=False)
class Changed:
    """A release of a home from which some items and a user are gone.

    Attributes:
        withdrawn: An item that the full list no longer holds; the most popular one.
        over: An item whose `until` has passed; the second.
        back: An item that was withdrawn and came back; the third.
        future: An item that begins after T.
        gone: The user who has left.
        learner: A user whose history holds both items that ended.
    """

    served: Served
    withdrawn: int
    over: int
    back: int
    future: int
    gone: int
    learner: int

    @property
    def unavailable(self) -> set[int]:
        return {self.withdrawn, self.over, self.future}


@pytest.fixture
def changed(own_home: Home) -> Changed:
    lake = own_home.lake
    met = lake.scan(INTERACTIONS).select(USER_ID, ITEM_ID, "timestamp").collect()
    popular = met[ITEM_ID].value_counts(sort=True)[ITEM_ID].to_list()
    withdrawn, over, back = popular[:3]
    newest: datetime = met["timestamp"].max()  # type: ignore[assignment]
    told = lake.scan(ITEMS).filter(pl.col(ITEM_ID) == over).collect()
    later = told.with_columns(
        pl.lit(newest - 5 * HOUR).cast(told.schema[AVAILABLE_AT]).alias(AVAILABLE_AT),
        pl.lit(newest).cast(told.schema[UNTIL]).alias(UNTIL),
    )
    lake.append(ITEMS, later)
    append(lake, ITEMS, item_id=withdrawn, available_at=newest + HOUR, withdrawn=True)
    append(lake, ITEMS, item_id=back, available_at=newest - HOUR, withdrawn=True)
    row = lake.scan(ITEMS).filter(pl.col(ITEM_ID) == back, ~pl.col(WITHDRAWN).fill_null(value=False)).collect()
    again = pl.lit(newest).cast(row.schema[AVAILABLE_AT]).alias(AVAILABLE_AT)
    lake.append(ITEMS, row.with_columns(again))
    append(lake, ITEMS, item_id=888_888, title="soon", available_at=newest + timedelta(days=365 * 40))
    both = met.filter(pl.col(ITEM_ID).is_in([withdrawn, over])).unique([USER_ID, ITEM_ID])
    gone, learner = both[USER_ID].value_counts().filter(pl.col("count") == 2)[USER_ID].sort().head(2).to_list()
    append(lake, USERS, user_id=gone, available_at=newest + HOUR, withdrawn=True)
    return Changed(opened(own_home, publish(own_home)), withdrawn, over, back, 888_888, gone, learner)


def test_nothing_that_ended_is_shown_however_a_list_is_asked_for(changed: Changed) -> None:
    with Api.over(changed.served.home) as api:
        asked: list[dict[str, Any]] = [{}, {"k": 200}, {"alpha": 0.0}, {"alpha": 0.6, "k": 200}, {"diversity": 0.5}]
        for user in [changed.learner, 999_999, *api.users[:5]]:
            for query in asked:
                assert not changed.unavailable & {*api.items_of(user, **query)}
        assert changed.back in {item for user in api.users for item in api.items_of(user, k=200)}
        for user in (changed.learner, 999_999):
            liked = next(item for item in api.items_of(user) if item != changed.back)
            api.send(user, "like", liked, changed.withdrawn)
            for query in asked:
                assert not changed.unavailable & {*api.items_of(user, **query)}
        for item in api.snapshot.catalogue.ids:
            found = api.get(f"/v1/items/{item}/similar", params={"k": 20}).json()["items"]
            assert not changed.unavailable & {neighbour["item_id"] for neighbour in found}
        assert api.get(f"/v1/items/{changed.withdrawn}/similar").json()["items"]


def test_no_randomised_slot_shows_what_ended(changed: Changed) -> None:
    snapshot = changed.served.snapshot
    assert changed.unavailable.isdisjoint(pl.Series(snapshot.catalogue.ids).filter(pl.Series(snapshot.available)))
    state = UserState.of(snapshot, changed.learner, stored(snapshot, (changed.back, "dislike"), user=changed.learner))
    entries = make_list(snapshot, state, Rules(), ListRequest(k=10))
    drawn = set()
    for day in range(60):
        explored = explored_list(snapshot, state, Rules(explore=0.5), ListRequest(), entries, day)
        drawn |= {entry["item_id"] for entry in explored.entries if entry["source"] == "random"}
    assert len(drawn) > 10
    assert not changed.unavailable & drawn


def test_the_catalogue_shows_nothing_that_ended_and_invites_nobody_who_left(changed: Changed) -> None:
    catalogue = changed.served.snapshot.catalogue
    with Api.over(changed.served.home) as api:
        for query in ({}, {"sort": "new"}, {"sort": "trending"}):
            items = {item["item_id"] for item in api.get("/v1/items", params={"k": 200, **query}).json()["items"]}
            assert items == {*catalogue.ids} - changed.unavailable
        for item in (changed.withdrawn, changed.over, changed.back):
            title = catalogue.describe(item)["title"]
            found = api.get("/v1/items", params={"k": 200, "q": title}).json()["items"]
            assert (item in [each["item_id"] for each in found]) == (item == changed.back)
            detail = api.get(f"/v1/items/{item}").json()
            assert (detail["item"]["title"], detail["available"]) == (title, item == changed.back)
            assert bool(api.get(f"/v1/items/{item}/users").json()["users"]) == (item == changed.back)
        pools = {user for item in items for user in invited(api, item)}
        assert changed.learner in pools
        assert changed.gone not in pools


def invited(api: Api, item: int) -> list[int]:
    answer = api.get(f"/v1/items/{item}/users", params={"capacity": 1000}).json()
    return [user["user_id"] for user in answer["users"]]


def test_a_history_still_shows_the_titles_of_what_ended(changed: Changed) -> None:
    snapshot = changed.served.snapshot
    assert {changed.withdrawn, changed.over} <= {*history(snapshot, changed.learner)}
    with Api.over(changed.served.home) as api:
        titles = {entry.item_id: entry.title for entry in api.service.history(changed.learner, 1000)}
        assert titles[changed.withdrawn]
        assert titles[changed.over]
    reader = Reader.of(changed.served.home)
    known = {row[ITEM_ID]: row[TITLE] for row in reader.history(changed.learner, 1000)}
    assert known[changed.withdrawn] == titles[changed.withdrawn]


def test_a_user_who_left_is_unknown_and_gets_everyone_s_list(changed: Changed) -> None:
    snapshot = changed.served.snapshot
    assert (snapshot.knows(changed.gone), snapshot.attributes(changed.gone)) == (False, None)
    assert history(snapshot, changed.gone) == {}
    with Api.over(changed.served.home) as api:
        theirs, cold = (api.list_of(user) for user in (changed.gone, 999_999))
        assert (theirs["known"], theirs["items"]) == (False, cold["items"])
        assert {entry["reason"] for entry in theirs["items"]} == {"popular"}
        assert api.get(f"/v1/users/{changed.gone}/similar").status_code == 404
        assert changed.gone not in [found.user_id for found in search_users(api.snapshot, str(changed.gone), 10)]
        for user in api.users:
            alike = api.get(f"/v1/users/{user}/similar").json()["users"]
            assert changed.gone not in [neighbour["user_id"] for neighbour in alike]
    listed = Reader.of(changed.served.home).user_list(str(changed.gone), 5, snapshot.manifest.audience)
    assert {entry["reason"] for entry in listed} == {"popular"}
    assert not changed.unavailable & {entry[ITEM_ID] for entry in listed}
