import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import httpx
import pytest

from nightschool.storage.database import open_database
from nightschool.storage.keys import Keys
from tests.serving.client import Api

SOON = f"{datetime.now(UTC) + timedelta(days=2):%Y-%m-%dT%H:%M}"
PAGE = "/operator/steering"


@pytest.fixture
def api(writing: Api) -> Iterator[Api]:
    writing.home.paths.scenarios.write_text("[hero]\nk = 5\n")
    writing.service.refresh()
    return writing


def post(api: Api, path: str, **fields: Any) -> httpx.Response:
    return api.request("POST", path, data=fields)


def page(api: Api, path: str = PAGE, **query: Any) -> str:
    answer = api.get(path, params=query or None)
    assert answer.status_code == 200, answer.text
    return unescape(answer.text)


def test_an_item_is_found_by_title_and_by_id_and_chosen(api: Api) -> None:
    catalogue = api.snapshot.catalogue
    item = catalogue.ids[4]
    title = catalogue.describe(item)["title"]
    found = page(api, q=title)
    assert f'href="{PAGE}?item={item}#form"' in found
    assert f'href="/items/{item}"' not in found
    assert page(api, q=str(item)).count(f'href="{PAGE}?item={item}#form"') == 1
    assert "No item of the release is found" in page(api, q="zzzzqqqq")
    form = page(api, item=item)
    assert title in form
    assert f'name="item" value="{item}"' in form
    assert "<option>hero</option>" in form


def test_a_pin_is_set_in_a_scenario_and_ended_with_a_button(api: Api) -> None:
    user = api.users[0]
    before = api.items_of(user, scenario="hero")
    item = api.items_of(user, k=100)[-1]
    fields = {"item": item, "kind": "pin", "place": "2", "points": "0.5", "scenario": "hero", "until": SOON}
    done = post(api, PAGE, **fields, reason=" month's <course> ")
    assert (done.status_code, done.headers["location"]) == (303, f"{PAGE}?just=set")
    assert api.items_of(user, scenario="hero")[1] == item
    for path in (f"{PAGE}?just=set", "/operator"):
        shown = page(api, path)
        assert "pinned to place 2" in shown
        assert ('<p class="toast">Set. Lists follow it.</p>' in shown) == ("just" in path)
        assert "month's <course></bdi>" in shown
        assert "<course>" not in api.get(path).text
    assert "Set. Lists follow it." in page(api, f"{PAGE}?just=set")
    (number,) = re.findall(r'name="intervention_id" value="(\d+)"', page(api))
    assert post(api, f"{PAGE}/end", intervention_id=number).headers["location"] == f"{PAGE}?just=ended"
    assert api.items_of(user, scenario="hero") == before
    assert "Nothing is pinned, boosted or banned." in page(api)
    assert post(api, f"{PAGE}/end", intervention_id=999).status_code == 404


def test_boosts_and_bans_leave_the_fields_of_others_aside(api: Api) -> None:
    user = api.users[0]
    first, second = api.items_of(user)[:2]
    fields = {"place": "x", "points": "-50", "until": SOON, "reason": "why"}
    assert post(api, PAGE, item=first, kind="boost", **fields).status_code == 303
    assert post(api, PAGE, item=second, kind="ban", **{**fields, "points": "y", "until": ""}).status_code == 303
    assert not {first, second} & {*api.items_of(user)}
    assert "boosted by -50" in page(api)
    assert "no end" in page(api)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"place": "0"}, "the place of an intervention; saw 0"),
        ({"place": "1.5"}, "the place must be a number; saw '1.5'"),
        ({"kind": "boost", "points": "much"}, "the points must be a number"),
        ({"kind": "boost", "points": "nan"}, "the points of an intervention"),
        ({"until": "tomorrow"}, "the end is no time; saw 'tomorrow'"),
        ({"until": ""}, "a pin needs an end"),
        ({"until": "2020-01-01T00:00"}, "the end has passed"),
        ({"reason": " "}, "an intervention needs a reason"),
        ({"scenario": "footer"}, "no such scenario"),
        ({"item": "999999"}, "no such item"),
    ],
)
def test_what_is_wrong_comes_back_in_the_form(api: Api, changes: dict[str, str], told: str) -> None:
    fields = {"item": str(api.snapshot.catalogue.ids[0]), "kind": "pin", "place": "1", "until": SOON, "reason": "mine"}
    answer = post(api, PAGE, **{**fields, **changes})
    shown = unescape(answer.text)
    assert (answer.status_code, told in shown) == (422, True), shown
    for name in ("item", "until", "reason"):
        assert f'value="{changes.get(name, fields[name])}"' in shown
    assert api.service.policy.steering.interventions == ()


def test_a_key_that_only_reads_sees_no_form_and_no_button(api: Api) -> None:
    item = api.snapshot.catalogue.ids[0]
    assert post(api, PAGE, item=item, kind="ban", reason="why").status_code == 303
    reader = Keys(open_database(api.service.settings.events_address)).add("reader", "read")
    api.service.refresh()
    headers = {"authorization": f"Bearer {reader}"}
    for path in (PAGE, "/operator"):
        answer = api.get(path, headers=headers)
        assert "banned" in answer.text
        assert "End now" not in answer.text
        assert "Search</button>" not in answer.text
    assert api.request("POST", PAGE, data={}, headers=headers).status_code == 403


def test_an_item_leads_to_the_form_that_steers_it(api: Api) -> None:
    item = api.snapshot.catalogue.ids[0]
    assert f'href="{PAGE}?item={item}#form"' in page(api, f"/items/{item}")


def test_the_overview_shows_the_newest_that_are_in_force(api: Api) -> None:
    for item in api.snapshot.catalogue.ids[:12]:
        post(api, PAGE, item=item, kind="ban", reason="closed")
    shown = page(api, "/operator")
    assert (shown.count("End now: ban"), "Show 2 older" in shown) == (10, True)
    assert page(api).count("End now: ban") == 12
