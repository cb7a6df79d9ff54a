"""Lists that are asked for by a body, and pages of a user's list, over HTTP."""

import json
from typing import Any

import pytest

from nightschool.experiments.plan import Arm, Plan
from nightschool.experiments.store import Experiments
from nightschool.storage.database import open_database
from nightschool.storage.keys import Keys
from serving import sessions
from serving.cursors import decode_cursor, mark
from tests.serving.client import Api


def ids(answer: dict[str, Any]) -> list[Any]:
    return [item["item_id"] for item in answer["items"]]


def pages(api: Api, user: Any, k: int, between: Any = None) -> list[list[Any]]:
    """The items of every page of a user's list."""
    found, after = [], None
    while True:
        answer = api.list_of(user, k=k, **({"after": after} if after else {}))
        found.append(answer["items"])
        if between is not None:
            between(answer)
        after = answer["next"]
        if after is None:
            return found


def test_pages_are_the_whole_list_without_a_repeat(reading: Api) -> None:
    user = reading.users[0]
    whole = reading.list_of(user, k=60)["items"]
    found = [item for page in pages(reading, user, 7) for item in page]
    assert found[:60] == whole
    assert len({item["item_id"] for item in found}) == len(found)
    assert [item["rank"] for item in found] == list(range(1, len(found) + 1))


def test_no_page_repeats_an_item_whatever_happens_meanwhile(writing: Api) -> None:
    user = writing.users[0]

    def like_the_last(answer: dict[str, Any]) -> None:
        writing.send(user, "like", answer["items"][-1]["item_id"])

    found = [item["item_id"] for page in pages(writing, user, 5, like_the_last) for item in page]
    assert len(set(found)) == len(found) > 20


def test_a_list_of_all_that_may_be_asked_has_no_next_page(reading: Api) -> None:
    assert reading.list_of(reading.users[0], k=200)["next"] is None


@pytest.mark.parametrize("after", ["x", "AAAA", "ä", "A" * 3000])
def test_a_cursor_that_is_none_is_refused(reading: Api, after: str) -> None:
    answer = reading.get(f"/v1/users/{reading.users[0]}/recommendations", params={"after": after})
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")


def test_a_session_is_answered_and_leaves_nothing_behind(reading: Api) -> None:
    user = reading.users[0]
    before = reading.list_of(user)
    met = ids(before)[:2]
    answer = reading.post("/v1/recommendations", {"items": met, "k": 5, "context": {"hour": "12"}}).json()
    assert len(answer["items"]) == 5
    assert not set(ids(answer)) & set(met)
    assert answer["warnings"]
    assert reading.list_of(user) == before


@pytest.mark.parametrize("most", [0, 20_000])
def test_a_session_gets_the_same_list_however_its_body_is_read_and_wherever_it_is_made(
    reading: Api, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    session = {"items": ids(reading.list_of(reading.users[0]))[:3]}
    expected = reading.post("/v1/recommendations", session).json()
    monkeypatch.setattr(sessions, "MOST_QUICK", most)
    for kind in ("application/json", "application/json; charset=utf-8", "application/vnd.nightschool+json"):
        answer = reading.request(
            "POST", "/v1/recommendations", content=json.dumps(session), headers={"content-type": kind}
        )
        assert answer.json() == expected
    for body in ("", "{", '{"items": "x"}', '{"items": [NaN]}', '{"items": ["\\ud800"]}', "\x80"):
        plain, other = (
            reading.request("POST", "/v1/recommendations", content=body, headers={"content-type": kind})
            for kind in ("application/json", "application/json; charset=utf-8")
        )
        assert plain.status_code == other.status_code
        assert plain.json()["detail"] == other.json()["detail"]


def test_a_user_and_a_session_get_given_items_in_order(reading: Api) -> None:
    user = reading.users[0]
    order = ids(reading.list_of(user, k=8))
    answer = reading.post("/v1/rank", {"user_id": user, "items": order[::-1]}).json()
    assert (answer["user_id"], ids(answer), answer["left_out"]) == (user, order, [])
    answer = reading.post("/v1/rank", {"session": order[:2], "items": order}).json()
    assert (answer["user_id"], set(ids(answer))) == (None, set(order[2:]))
    assert [left["why"] for left in answer["left_out"]] == ["completed"] * 2


def test_many_users_get_what_each_of_them_gets(reading: Api) -> None:
    users = [*reading.users[:60], 999_999, reading.users[0]]
    answer = reading.post("/v1/users/recommendations", {"user_ids": [*users, "nobody"], "k": 5}).json()
    assert [one["user_id"] for one in answer["lists"]] == users[:-1]
    assert answer["lists"][:-1] == [reading.list_of(user, k=5) for user in users[:-2]]
    (refused,) = answer["refused"]
    assert refused["user_id"] == "nobody"
    assert "whole numbers" in refused["detail"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/recommendations", {}),
        ("/v1/recommendations", {"items": [1.5]}),
        ("/v1/recommendations", {"items": [True]}),
        ("/v1/recommendations", {"items": [1] * 1001}),
        ("/v1/recommendations", {"items": [], "colour": "red"}),
        ("/v1/recommendations", {"items": [], "category": "nothing"}),
        ("/v1/rank", {"items": []}),
        ("/v1/rank", {"items": [1], "alpha": 2}),
        ("/v1/rank", {"items": [1], "user_id": 1, "session": [2]}),
        ("/v1/users/recommendations", {"user_ids": []}),
        ("/v1/users/recommendations", {"user_ids": [1], "k": 51}),
        ("/v1/users/recommendations", {"user_ids": [1], "category": "nothing"}),
    ],
)
def test_a_body_that_does_not_fit_is_refused(reading: Api, path: str, body: dict[str, Any]) -> None:
    answer = reading.post(path, body)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")


def test_a_key_of_one_user_ranks_for_that_user_and_for_sessions_alone(writing: Api) -> None:
    user, other = writing.users[:2]
    key = Keys(open_database(writing.service.settings.events_address)).add("own", "read", user_id=str(user))
    writing.service.refresh()
    told = {"headers": {"authorization": f"Bearer {key}"}}
    assert writing.post("/v1/rank", {"user_id": user, "items": [1]}, **told).status_code == 200
    assert writing.post("/v1/rank", {"session": [2], "items": [1]}, **told).status_code == 200
    assert writing.post("/v1/recommendations", {"items": [1]}, **told).status_code == 200
    assert writing.post("/v1/rank", {"user_id": other, "items": [1]}, **told).status_code == 404
    assert writing.post("/v1/users/recommendations", {"user_ids": [user]}, **told).status_code == 403


def test_a_request_may_filter_and_is_told_where_it_is_wrong(reading: Api) -> None:
    user = reading.users[0]
    items = reading.list_of(user, filter='difficulty <= "Intermediate"')["items"]
    assert items
    assert {item["difficulty"] for item in items} <= {"Beginner", "Intermediate"}
    session = reading.post("/v1/recommendations", {"items": [1], "filter": 'difficulty == "Beginner"'}).json()
    assert {item["difficulty"] for item in session["items"]} == {"Beginner"}
    answer = reading.get(f"/v1/users/{user}/recommendations", params={"filter": 'colour == "red"'})
    assert answer.status_code == 422
    assert "filter, character 1: there is no such item column; saw 'colour'" in answer.json()["detail"]


def test_a_page_with_a_random_item_marks_what_it_showed(writing: Api) -> None:
    store = Experiments(open_database(writing.service.settings.events_address))
    store.start(Plan(name="try", arms=(Arm(name="a", share=0.5), Arm(name="b", share=0.5)), explore=0.2))
    writing.service.refresh()
    drawn = 0
    for user in writing.users[:40]:
        first = writing.list_of(user, k=5)
        drawn += any(item["source"] == "random" for item in first["items"])
        assert decode_cursor(first["next"]) == b"".join(mark(item["item_id"]) for item in first["items"])
    assert drawn
