"""Adding, changing and withdrawing items and users, as clients see it."""

from pathlib import Path
from typing import Any

import pytest

from nightschool.storage.home import Home
from tests.serving.client import Api
from tests.serving.conftest import copied

NEW = 9_001
ABOUT = {"title": "Beekeeping for Starters", "domain": "Bees", "difficulty": "Beginner", "skills": ["hives"]}


def put(api: Api, item_id: Any = NEW, **about: Any) -> dict[str, Any]:
    """What was answered to an item that was put."""
    answer = api.request("PUT", f"/v1/items/{item_id}", json=about or ABOUT)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def test_a_new_item_is_there_at_once(writing: Api) -> None:
    told = put(writing)
    assert (told["item_id"], told["sequence"], told["repeated"]) == (NEW, 1, False)
    page = writing.get(f"/v1/items/{NEW}").json()
    assert (page["item"]["title"], page["available"], page["likes"]) == (ABOUT["title"], True, 0)
    assert page["known_since"] == told["at"]
    newest = writing.get("/v1/items?sort=new").json()["items"][0]
    assert (newest["item_id"], newest["score"]) == (NEW, 0.0)
    for query in ("beekeeping", "bees", "beekepeing"):
        assert NEW in [item["item_id"] for item in writing.get(f"/v1/items?q={query}").json()["items"]], query
    (only,) = writing.get("/v1/items?category=Bees").json()["items"]
    assert only["item_id"] == NEW
    assert writing.get(f"/v1/items/{NEW}/similar").json()["items"] == []
    assert writing.get(f"/v1/items/{NEW}/next").json()["items"] == []
    assert writing.get(f"/v1/items/{NEW}/users").json()["users"] == []
    path = writing.get(f"/v1/users/{writing.users[0]}/path?goal=hives").json()
    assert [step["item_id"] for step in path["steps"]][-1] == NEW


def test_a_new_item_receives_events_and_leaves_lists_as_they_are(writing: Api) -> None:
    user = writing.users[0]
    before = writing.items_of(user)
    put(writing)
    assert writing.items_of(user) == before
    writing.send(user, "like", NEW)
    assert writing.service.history(user, 1)[0].item_id == NEW
    assert NEW not in writing.items_of(user, k=50)
    fresh = 987_654
    writing.send(fresh, "like", NEW)
    assert NEW not in writing.items_of(fresh)


def test_filters_find_a_new_item(writing: Api) -> None:
    put(writing)
    user = writing.users[0]
    assert writing.items_of(user, filter='domain == "Bees"') == [NEW]
    writing.request("PATCH", f"/v1/items/{NEW}", json={"difficulty": "Advanced"})
    assert writing.items_of(user, filter='domain == "Bees"', max_difficulty="Intermediate") == []


def test_a_changed_title_shows_in_lists_and_search(writing: Api) -> None:
    user = writing.users[0]
    first = writing.list_of(user)["items"][0]
    answer = writing.request("PATCH", f"/v1/items/{first['item_id']}", json={"title": "Quixotic Windmills"})
    assert answer.status_code == 200
    again = writing.list_of(user)["items"][0]
    assert again == {**first, "title": "Quixotic Windmills"}
    (found,) = writing.get("/v1/items?q=quixotic").json()["items"]
    assert (found["item_id"], found["labels"]) == (first["item_id"], first["labels"])
    assert writing.get(f"/v1/items/{first['item_id']}").json()["item"]["title"] == "Quixotic Windmills"


def test_nobody_is_shown_a_withdrawn_item(writing: Api) -> None:
    user = writing.users[0]
    before = writing.items_of(user)
    gone = before[0]
    assert writing.request("DELETE", f"/v1/items/{gone}").json()["repeated"] is False
    after = writing.items_of(user)
    assert after[: len(before) - 1] == before[1:]
    assert gone not in after
    assert gone not in writing.items_of(user, k=100)
    for other in writing.users[:20]:
        for query in ({}, {"diversity": 0.4}, {"alpha": 0.5}, {"k": 100}):
            assert gone not in writing.items_of(other, **query)
        assert gone not in [item["item_id"] for item in writing.get(f"/v1/items/{before[1]}/similar").json()["items"]]
    for item_id in writing.snapshot.catalogue.ids:
        for near in ("similar?k=50", "next?k=50"):
            items = writing.get(f"/v1/items/{item_id}/{near}").json()["items"]
            assert gone not in [item["item_id"] for item in items]
            assert [item["rank"] for item in items] == [*range(1, len(items) + 1)]
    listed = writing.get("/v1/items?k=200").json()
    assert gone not in [item["item_id"] for item in listed["items"]]
    assert listed["total"] == len(writing.snapshot.catalogue) - 1
    assert writing.get(f"/v1/items/{gone}").json()["available"] is False
    assert writing.get(f"/v1/items/{gone}/users").json()["users"] == []
    path = writing.get(f"/v1/users/{user}/path?goal={gone}").json()
    assert path["outcome"] in {"unavailable", "completed"}
    session = writing.post("/v1/recommendations", {"items": [before[1]], "k": 100}).json()
    assert gone not in [item["item_id"] for item in session["items"]]
    ranked = writing.post("/v1/rank", {"user_id": user, "items": before}).json()
    assert {"item_id": gone, "why": "unavailable"} in ranked["left_out"]
    writing.send(user, "like", gone)


def test_a_withdrawn_item_comes_back_as_it_was(writing: Api) -> None:
    user = writing.users[0]
    before = writing.list_of(user)["items"]
    gone = before[0]["item_id"]
    assert [writing.request("DELETE", f"/v1/items/{gone}").json()["repeated"] for _ in range(2)] == [False, True]
    writing.request("PATCH", f"/v1/items/{gone}", json={})
    assert writing.list_of(user)["items"] == before
    assert writing.snapshot is writing.service.current.served


def test_what_is_repeated_is_stored_once(writing: Api) -> None:
    assert [put(writing)["repeated"] for _ in range(2)] == [False, True]
    assert put(writing, title="Another")["sequence"] == 2
    assert put(writing)["repeated"] is False


def test_several_items_come_together_or_not_at_all(writing: Api) -> None:
    items = [{"item_id": NEW + n, "title": f"Bees {n}"} for n in range(3)]
    answer = writing.post("/v1/items", {"items": items})
    assert (answer.status_code, [item["sequence"] for item in answer.json()["items"]]) == (201, [1, 2, 3])
    for fault in ({"item_id": NEW}, {"item_id": NEW + 9, "title": 7}, {"item_id": "x", "title": "x"}):
        answer = writing.post("/v1/items", {"items": [{"item_id": NEW + 8, "title": "New"}, fault]})
        assert answer.status_code in {404, 422}, answer.text
    twice = writing.post("/v1/items", {"items": [items[0], items[0]]})
    assert (twice.status_code, "twice" in twice.json()["detail"]) == (422, True)
    assert writing.get(f"/v1/items/{NEW + 8}").status_code == 404
    assert writing.post("/v1/items", {"items": []}).status_code == 422
    many = [{"item_id": 20_000 + n, "title": f"Many {n}"} for n in range(1_001)]
    assert writing.post("/v1/items", {"items": many}).status_code == 422
    assert writing.post("/v1/items", {"items": many[1:]}).status_code == 201
    assert writing.get("/v1/items?sort=new&k=1").json()["total"] == len(writing.snapshot.catalogue)


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ({"titel": "x"}, "use title"),
        ({"title": 7}, "title cannot have this value; saw '7'; give a text"),
        ({"title": "a\x00b"}, "control characters"),
        ({"title": "x" * 100_001}, "100,000 characters"),
        ({"domain": "x" * 513}, "512"),
        ({"domain": ["a"]}, "domain"),
        ({"difficulty": "Hard"}, "give one of Beginner, Intermediate, Advanced"),
        ({"skills": "statistics"}, "give a list"),
        ({"skills": [["a"]]}, "skills"),
        ({"until": "2026-01-31T00:00:00"}, "with its zone"),
        ({"until": 5}, "until"),
        ({"item_id": 7}, "no such attribute"),
        ({"available_at": "2026-01-31T00:00:00Z"}, "no such attribute"),
        ({"title": None}, "nothing is said"),
        ({}, "nothing is said"),
    ],
)
def test_what_does_not_fit_is_told_with_the_attribute_and_what_is_right(
    writing: Api, fault: dict[str, Any], told: str
) -> None:
    answer = writing.request("PUT", f"/v1/items/{NEW}", json=fault)
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/unfit-request")
    assert told in answer.json()["detail"]
    assert writing.get(f"/v1/items/{NEW}").status_code == 404


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"{", b'"x"', b'{"title": 1e999}', b"\xff"])
def test_bodies_that_are_none_are_refused(writing: Api, body: bytes) -> None:
    for path in (f"/v1/items/{NEW}", "/v1/users/7"):
        answer = writing.request("PUT", path, content=body, headers={"content-type": "application/json"})
        assert answer.status_code in {400, 422}, body


@pytest.mark.parametrize("item_id", ["x", "007", "1.0", "9" * 20, "%20", "a" * 600])
def test_ids_that_can_be_none_are_refused(writing: Api, item_id: str) -> None:
    for method in ("PUT", "PATCH", "DELETE"):
        assert writing.request(method, f"/v1/items/{item_id}", json={"title": "x"}).status_code in {404, 422}


def test_what_is_unknown_can_only_be_put(writing: Api) -> None:
    for method in ("PATCH", "DELETE"):
        answer = writing.request(method, f"/v1/items/{NEW}", json={"title": "x"})
        assert (answer.status_code, "PUT" in answer.json()["detail"]) == (404, True)
        assert writing.request(method, "/v1/users/987654", json={}).status_code == 404


def test_a_user_changes_audience_at_once(writing: Api) -> None:
    cold = 987_654
    audience = next(name for name in writing.snapshot.audiences if name != "everyone" and name)
    answer = writing.request("PUT", f"/v1/users/{cold}", json={"seniority": audience})
    assert answer.json().items() >= {"user_id": cold, "sequence": 1, "repeated": False}.items()
    assert writing.snapshot.attributes(cold) == {"seniority": audience}
    assert writing.snapshot.audience(cold) == audience
    assert writing.list_of(cold)["items"][0]["reason"] == "audience"
    writing.request("DELETE", f"/v1/users/{cold}")
    assert writing.snapshot.attributes(cold) is None
    writing.request("PATCH", f"/v1/users/{cold}", json={"department": "Finance"})
    assert writing.snapshot.attributes(cold) == {"seniority": audience, "department": "Finance"}
    assert writing.request("PATCH", f"/v1/users/{cold}", json={"department": 5}).status_code == 422


def test_a_second_server_follows(writing: Api, own_home: Home) -> None:
    with Api.over(own_home) as other:
        put(writing)
        assert other.get(f"/v1/items/{NEW}").status_code == 404
        other.service.refresh()
        assert other.get(f"/v1/items/{NEW}").status_code == 200
        other.request("PATCH", f"/v1/items/{NEW}", json={"title": "Renamed"})
        writing.service.refresh()
        assert writing.get(f"/v1/items/{NEW}").json()["item"]["title"] == "Renamed"
    with Api.over(own_home) as later:
        assert later.get(f"/v1/items/{NEW}").json()["item"]["title"] == "Renamed"


def test_items_with_text_ids_may_hold_slashes(texts: Home, tmp_path: Path) -> None:
    with Api.over(copied(texts, tmp_path / "texts")) as api:
        put(api, "a/b c", title="Slashes")
        assert api.get("/v1/items/a/b c").json()["item"]["item_id"] == "a/b c"
        put(api, 7_000, title="Numbers are texts here")
        assert api.get("/v1/items/7000").json()["item"]["item_id"] == "7000"
