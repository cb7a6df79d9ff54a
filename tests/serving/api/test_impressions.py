"""Saying what was shown: whole or not at all, of one's own lists alone."""

from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest

from nightschool.columns import ITEM_ID
from nightschool.shown.shown_frame import read_shown
from nightschool.storage.database import open_database
from nightschool.storage.keys import Keys
from serving.answers import ListRequest
from serving.feedback import EARLIEST
from tests.serving.client import Api


@pytest.fixture
def bound(writing: Api) -> tuple[Api, dict[str, str]]:
    """A service, and the headers of a key of its first user."""
    keys = Keys(open_database(writing.service.settings.events_address))
    key = keys.add("browser", "events", user_id=str(writing.users[0]))
    writing.service.refresh()
    return writing, {"authorization": f"Bearer {key}"}


def impression(api: Api, **told: Any) -> dict[str, Any]:
    user = api.users[0]
    return {"list_id": api.list_of(user)["list_id"], "user_id": user, **told}


def n_impressions(api: Api) -> int:
    with open_database(api.service.settings.events_address).connect() as connection:
        return int(connection.exec_driver_sql("SELECT count(*) FROM impressions").scalar_one())


def test_the_same_impression_again_counts_once(writing: Api) -> None:
    sent = impression(writing, impression_id="a", places=[1, 2])
    first, again = (writing.post("/v1/impressions", sent) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == {"impressions": [{"impression_id": "a", "sequence": 1, "repeated": False}]}
    assert again.json() == {"impressions": [{"impression_id": "a", "sequence": 1, "repeated": True}]}
    other = writing.post("/v1/impressions", impression(writing, impression_id="a"))
    assert (other.status_code, other.json()["type"]) == (409, "/problems/conflict")
    assert n_impressions(writing) == 1


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        ({"list_id": "x"}, 404),
        ({"list_id": "t2JvROX3rWOeH1QPrk7Jxj0A"}, 404),
        ({"user_id": 999_999}, 404),
        ({"user_id": "nobody"}, 404),
        ({"user_id": None}, 404),
        ({"places": []}, 422),
        ({"places": [0]}, 422),
        ({"places": [True]}, 422),
        ({"places": [1_001]}, 422),
        ({"at": "2026-01-01T00:00:00"}, 422),
        ({"impression_id": ""}, 422),
        ({"arm": "b"}, 422),
    ],
)
def test_a_fault_keeps_the_others_out_too(writing: Api, fault: dict[str, Any], status: int) -> None:
    good = impression(writing)
    answer = writing.post("/v1/impressions", {"impressions": [good, {**good, **fault}]})
    assert answer.status_code == status, answer.text
    assert n_impressions(writing) == 0


def test_at_most_a_thousand_come_together(writing: Api) -> None:
    good = impression(writing)
    assert writing.post("/v1/impressions", {"impressions": [good] * 1_001}).status_code == 422
    assert writing.post("/v1/impressions", {"impressions": []}).status_code == 422
    assert len(writing.post("/v1/impressions", {"impressions": [good] * 1_000}).json()["impressions"]) == 1_000


def test_a_key_of_one_user_tells_of_that_user_s_lists_alone(bound: tuple[Api, dict[str, str]]) -> None:
    api, headers = bound
    user, other = api.users[:2]
    own, theirs = (api.service.lists.body(who, ListRequest()).row.list_id for who in (user, other))
    assert api.post("/v1/impressions", {"list_id": own}, headers=headers).status_code == 201
    assert api.post("/v1/impressions", {"list_id": own, "user_id": user}, headers=headers).status_code == 201
    for sent in ({"list_id": theirs}, {"list_id": theirs, "user_id": other}, {"list_id": theirs, "user_id": user}):
        assert api.post("/v1/impressions", sent, headers=headers).status_code == 404
    assert n_impressions(api) == 2


def test_lists_of_sessions_and_of_given_items_can_be_shown_too(writing: Api) -> None:
    some = writing.snapshot.catalogue.ids[:4]
    session = writing.post("/v1/recommendations", {"items": some, "k": 3}).json()
    ranked = writing.post("/v1/rank", {"items": some, "user_id": writing.users[0]}).json()
    many = writing.post("/v1/users/recommendations", {"user_ids": writing.users[:1], "k": 2}).json()["lists"][0]
    sent = [{"list_id": session["list_id"]}]
    sent += [{"list_id": made["list_id"], "user_id": writing.users[0]} for made in (ranked, many)]
    assert writing.post("/v1/impressions", {"impressions": sent}).status_code == 201
    writing.service.refresh()
    shown = rows_of(writing)
    expected = {(made["list_id"], str(item[ITEM_ID])) for made in (session, ranked, many) for item in made["items"]}
    assert {*shown.select("list_id", ITEM_ID).rows()} == expected


def rows_of(api: Api) -> pl.DataFrame:
    engine = open_database(api.service.settings.events_address)
    return read_shown(engine, EARLIEST, datetime.now(UTC) + timedelta(days=1))


def test_an_event_names_a_list_of_its_own_user(writing: Api) -> None:
    user, other = writing.users[:2]
    made = writing.list_of(user)
    item = made["items"][0][ITEM_ID]
    for refused in ({"list_id": "x"}, {"user_id": other, "list_id": made["list_id"]}):
        event = {"user_id": user, "item_id": item, "event": "view", **refused}
        assert writing.post("/v1/events", event).status_code == 404
    writing.send(user, "view", item, list_id=made["list_id"])
    writing.service.refresh()
    first = rows_of(writing).sort("place").row(0, named=True)
    assert (first["item_id"], first["times"], first["viewed_at"]) == (str(item), 0, first["shown_at"])


def test_a_page_number_two_begins_after_the_first(writing: Api) -> None:
    user = writing.users[0]
    first = writing.list_of(user, k=3)
    second = writing.list_of(user, k=3, after=first["next"])
    assert first["list_id"] != second["list_id"]
    assert writing.post("/v1/impressions", {"list_id": second["list_id"], "user_id": user, "places": [5]}).is_success
    writing.service.refresh()
    row = rows_of(writing).row(0, named=True)
    assert (row["place"], row["item_id"]) == (5, str(second["items"][1][ITEM_ID]))
