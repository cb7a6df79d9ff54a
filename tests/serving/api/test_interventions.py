import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from nightschool.storage.audit import AuditLog
from nightschool.storage.database import open_database
from nightschool.storage.home import Home
from tests.serving.client import Api

ROUTE = "/v1/interventions"
TOMORROW = (datetime.now(UTC) + timedelta(days=1)).isoformat()


@pytest.fixture
def api(writing: Api) -> Iterator[Api]:
    writing.home.paths.scenarios.write_text('[hero]\nk = 5\n[side]\nk = 5\nbelow = ["hero"]\n')
    writing.service.refresh()
    return writing


def sent(api: Api, kind: str, item_id: Any, **more: Any) -> dict[str, Any]:
    until = {} if kind == "ban" else {"until": TOMORROW}
    answer = api.post(ROUTE, {"item_id": item_id, "kind": kind, "reason": "why", **until, **more})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def not_shown(api: Api, user: Any, n: int = 1) -> list[Any]:
    """Items that the user may be shown and that are in none of the first pages."""
    listed = api.items_of(user, k=200)
    return listed[-n:]


def test_a_pin_stands_at_its_place_at_once_and_says_so(api: Api) -> None:
    user = api.users[0]
    before = api.items_of(user)
    (item,) = not_shown(api, user)
    entry = sent(api, "pin", item, place=2)
    assert (entry["item_id"], entry["place"], entry["ended_at"]) == (str(item), 2, None)
    made = api.list_of(user)["items"]
    assert [each["item_id"] for each in made] == [before[0], item, *before[1:-1]]
    assert (made[1]["reason"], made[1]["source"], made[1]["why"]) == ("pinned", "pinned", "pinned here by the operator")
    assert [each["rank"] for each in made] == [*range(1, 11)]
    api.request("DELETE", f"{ROUTE}/{entry['intervention_id']}")
    assert api.items_of(user) == before


def test_a_pinned_item_that_the_list_holds_moves_and_comes_once(api: Api) -> None:
    user = api.users[0]
    before = api.items_of(user)
    sent(api, "pin", before[7], place=1)
    assert api.items_of(user) == [before[7], *before[:7], *before[8:]]


def test_a_pin_is_seen_in_its_scenario_alone_and_below_it_the_item_is_left_out(api: Api) -> None:
    user = api.users[0]
    plain = api.items_of(user)
    (item,) = not_shown(api, user)
    sent(api, "pin", item, place=1, scenario="hero")
    assert api.items_of(user) == plain
    assert api.items_of(user, scenario="hero")[0] == item
    assert item not in api.items_of(user, scenario="side")
    sent(api, "pin", item, place=1, scenario="side")
    assert item not in api.items_of(user, scenario="side")


def test_rules_filters_and_history_stand_above_a_pin(api: Api) -> None:
    user = api.users[0]
    (item,) = not_shown(api, user)
    sent(api, "pin", item, place=1)
    assert api.items_of(user)[0] == item
    assert item not in api.items_of(user, exclude=[item])
    assert item not in api.items_of(user, filter='title == "no such title"')
    api.home.paths.rules.write_text(f"exclude = [{item}]\n")
    api.service.refresh()
    assert item not in api.items_of(user)
    api.home.paths.rules.unlink()
    api.service.refresh()
    api.send(user, "complete", item)
    assert item not in api.items_of(user)
    assert api.items_of(api.users[1])[0] == item or item in api.items_of(api.users[1])


def test_pages_hold_every_item_once_with_the_pin_on_its_own(api: Api) -> None:
    user = api.users[0]
    (item,) = not_shown(api, user)
    sent(api, "pin", item, place=6)
    first = api.list_of(user, k=4)
    second = api.list_of(user, k=4, after=first["next"])
    ids = [each["item_id"] for page in (first, second) for each in page["items"]]
    assert ids[5] == item
    assert len(set(ids)) == 8
    assert second["items"][1]["rank"] == 6


def test_a_boost_raises_an_item_and_a_negative_one_lowers_it(api: Api) -> None:
    user = api.users[0]
    before = api.items_of(user)
    sent(api, "boost", before[5], points=50)
    assert api.items_of(user)[0] == before[5]
    sent(api, "boost", before[5], points=-50)
    assert before[5] not in api.items_of(user)
    assert len(api.get(ROUTE).json()["interventions"]) == 1


def test_a_boost_lifts_an_item_that_no_pool_holds(api: Api) -> None:
    user = api.users[0]
    (item,) = not_shown(api, user)
    sent(api, "boost", item, points=100)
    assert api.items_of(user)[0] == item


def test_a_banned_item_is_shown_nowhere(api: Api) -> None:
    user = api.users[0]
    item = api.items_of(user)[0]
    title = api.snapshot.catalogue.describe(item)["title"]
    neighbour = next(
        other for other in api.snapshot.catalogue.ids if item in ids(api.get(f"/v1/items/{other}/similar?k=10"))
    )
    followed = [other for other in api.snapshot.catalogue.ids if item in ids(api.get(f"/v1/items/{other}/next"))]
    assert item in ids(api.get("/v1/items", params={"q": title}))
    entry = sent(api, "ban", item)
    assert item not in api.items_of(user, k=200)
    assert item not in api.items_of(user, scenario="hero")
    similar = api.get(f"/v1/items/{neighbour}/similar?k=10").json()["items"]
    assert item not in [each["item_id"] for each in similar]
    assert [each["rank"] for each in similar] == [*range(1, len(similar) + 1)]
    for other in followed[:3]:
        assert item not in ids(api.get(f"/v1/items/{other}/next"))
    assert item not in ids(api.get("/v1/items", params={"q": title}))
    assert item not in ids(api.get("/v1/items", params={"k": 200}))
    assert api.get(f"/v1/items/{item}").json()["available"] is False
    path = api.get(f"/v1/users/{user}/path", params={"goal": item}).json()
    assert path["steps"] == []
    session = api.post("/v1/recommendations", {"items": [neighbour], "k": 100})
    assert item not in ids(session)
    ranked = api.post("/v1/rank", {"user_id": user, "items": [item, neighbour]}).json()
    assert {"item_id": item, "why": "rules"} in ranked["left_out"]
    api.request("DELETE", f"{ROUTE}/{entry['intervention_id']}")
    assert item in api.items_of(user)
    assert api.get(f"/v1/items/{item}").json()["available"] is True


def ids(answer: Any) -> list[Any]:
    return [each["item_id"] for each in answer.json()["items"]]


def test_what_ends_by_itself_leaves_lists_as_they_were(api: Api) -> None:
    user = api.users[0]
    before = api.items_of(user)
    until = datetime.now(UTC) + timedelta(seconds=3)
    sent(api, "pin", before[9], place=1, until=until.isoformat())
    assert api.items_of(user)[0] == before[9]
    time.sleep((until - datetime.now(UTC)).total_seconds())
    api.service.refresh()
    assert api.items_of(user) == before
    assert api.get(ROUTE).json() == {"interventions": []}


def test_another_process_follows_at_its_next_look(api: Api, own_home: Home) -> None:
    user = api.users[0]
    (item,) = not_shown(api, user)
    with Api.over(own_home) as other:
        before = other.items_of(user)
        sent(api, "pin", item, place=1)
        assert other.items_of(user) == before
        other.service.refresh()
        assert other.items_of(user)[0] == item


def test_what_is_in_force_is_listed_with_titles_and_every_change_is_noted(api: Api) -> None:
    item = api.items_of(api.users[0])[0]
    entry = sent(api, "ban", item)
    assert entry["title"] == api.snapshot.catalogue.describe(item)["title"]
    assert api.get(ROUTE).json()["interventions"] == [entry]
    ended = [api.request("DELETE", f"{ROUTE}/{entry['intervention_id']}").json() for _ in range(2)]
    assert ended[0] == ended[1]
    assert ended[0]["ended_at"] is not None
    log = AuditLog(open_database(api.service.settings.events_address)).newest(2)
    assert [(each.action, each.what) for each in log] == [("ban_ended", str(item)), ("ban_set", str(item))]


@pytest.mark.parametrize(
    ("changes", "status", "told"),
    [
        ({"item_id": 999_999}, 404, "no such item"),
        ({"item_id": "x"}, 404, "no such item"),
        ({"scenario": "footer"}, 422, "no such scenario"),
        ({"kind": "hide"}, 422, "kind"),
        ({"place": None}, 422, "the place of an intervention"),
        ({"until": None}, 422, "a pin needs an end"),
        ({"until": "2020-01-01T00:00:00Z"}, 422, "the end has passed"),
        ({"reason": ""}, 422, "reason"),
        ({"colour": "red"}, 422, "colour"),
    ],
)
def test_what_cannot_be_set_is_refused_with_the_reason(
    api: Api, changes: dict[str, Any], status: int, told: str
) -> None:
    asked = {"item_id": api.snapshot.catalogue.ids[0], "kind": "pin", "place": 1, "until": TOMORROW, "reason": "why"}
    answer = api.post(ROUTE, {**asked, **changes})
    assert (answer.status_code, told in answer.json()["detail"]) == (status, True), answer.text
    assert api.get(ROUTE).json() == {"interventions": []}
    assert api.request("DELETE", f"{ROUTE}/7").status_code == 404
