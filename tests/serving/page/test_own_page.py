"""A learner's own page: it says that its list was shown, and shows nothing of others; an operator's says nothing."""

import re
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import NamedTuple

import polars as pl
import pytest

from nightschool.shown.shown_frame import read_shown
from nightschool.storage.database import open_database
from nightschool.storage.keys import Keys
from tests.serving.client import Api


class Signed(NamedTuple):
    """A service, its first user, and the headers of that learner, of a reader and of an operator."""

    api: Api
    user: int
    learner: dict[str, str]
    reader: dict[str, str]
    operator: dict[str, str]


@pytest.fixture
def signed(writing: Api) -> Signed:
    keys = Keys(open_database(writing.service.settings.events_address))
    user = writing.users[0]
    given = (keys.add("own", "events", user_id=str(user)), keys.add("read", "read"), keys.add("operate", "operate"))
    writing.service.refresh()
    return Signed(writing, user, *({"cookie": f"nightschool_key={key}", "host": "127.0.0.1:8000"} for key in given))


def fields(form: str) -> dict[str, str]:
    found = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form)
    return {name: unescape(value) for name, value in found}


def listed(page: str) -> list[str]:
    return [unescape(item) for item in re.findall(r'name="item_id" value="([^"]*)"', page)]


def impression_form(page: str) -> dict[str, str] | None:
    found = re.search(r'<form hx-post="[^"]+/impressions" hx-trigger="load" hx-swap="none">.*?</form>', page)
    return fields(found.group()) if found else None


def shown(api: Api) -> pl.DataFrame:
    api.service.refresh()
    now = datetime.now(UTC)
    engine = open_database(api.service.settings.events_address)
    return read_shown(engine, now - timedelta(days=1), now + timedelta(days=1))


def test_a_learner_s_page_says_once_that_its_list_was_shown(signed: Signed) -> None:
    api, address = signed.api, f"/learner/{signed.user}"
    page = api.get(address, headers=signed.learner)
    assert page.status_code == 200
    form = impression_form(page.text)
    assert form is not None
    for _ in range(2):
        answer = api.request("POST", f"{address}/impressions", data=form, headers=signed.learner)
        assert (answer.status_code, answer.content) == (204, b"")
    found = shown(api)
    assert found["times"].unique().to_list() == [1]
    assert found["item_id"].to_list() == [*dict.fromkeys(listed(page.text))]


def test_a_button_of_the_page_names_the_list(signed: Signed) -> None:
    api, address = signed.api, f"/learner/{signed.user}"
    page = api.get(address, headers=signed.learner).text
    act = re.search(r'<form class="acts".*?</form>', page, re.DOTALL)
    assert act is not None
    sent = {**fields(act.group()), "event": "complete"}
    asked = {**signed.learner, "hx-request": "true", "hx-target": "list"}
    changed = api.request("POST", f"{address}/events", data=sent, headers=asked)
    assert changed.status_code == 200
    first = shown(api).row(0, named=True)
    assert (first["item_id"], first["completed_at"] is not None) == (sent["item_id"], True)
    assert impression_form(changed.text) not in (None, impression_form(page))


def test_a_look_of_an_operator_is_no_impression(signed: Signed) -> None:
    api, address = signed.api, f"/learner/{signed.user}"
    for headers in (signed.reader, signed.operator):
        page = api.get(address, headers=headers).text
        assert impression_form(page) is None
        assert 'name="list_id"' not in page
    item = listed(page)[0]
    api.request("POST", f"{address}/events", data={"item_id": item, "event": "like"}, headers=signed.operator)
    answer = api.request("POST", f"{address}/impressions", data={"list_id": "x"}, headers=signed.operator)
    assert answer.status_code == 204
    assert shown(api).is_empty()
    with open_database(api.service.settings.events_address).connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM lists").scalar() == 0


def test_a_learner_s_page_shows_nothing_of_others(signed: Signed) -> None:
    api, other = signed.api, signed.api.users[1]
    page = api.get(f"/learner/{signed.user}", headers=signed.learner).text
    assert "Similar learners" not in page
    assert 'href="/operator"' not in page
    assert 'href="/compare' not in page
    similar = {**signed.learner, "hx-request": "true", "hx-target": "similar"}
    assert "Similar learners" not in api.get(f"/learner/{signed.user}", headers=similar).text
    for address in (f"/learner/{other}", "/", f"/compare/{signed.user}", "/operator"):
        assert api.get(address, headers=signed.learner).status_code == 403


def test_signing_in_leads_a_learner_to_their_own_page(signed: Signed) -> None:
    key = signed.learner["cookie"].partition("=")[2]
    assert signed.api.request("POST", "/sign-in", data={"key": key}).headers["location"] == f"/learner/{signed.user}"
    elsewhere = signed.api.request("POST", "/sign-in", data={"key": key, "next": "/learner/9"})
    assert elsewhere.headers["location"] == "/learner/9"
