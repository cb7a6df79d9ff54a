"""The page of a key for one user, over a real release."""

import re
from collections.abc import Iterator
from datetime import UTC

import pytest

from serving.answers import ListRequest
from tests.serving.client import Api
from tests.serving.conftest import Served, copied
from tests.serving.page.apps import Pages
from tests.serving.page.test_users import listed

ASKED = ListRequest()
USER = "14"


@pytest.fixture(scope="module")
def pages(served: Served, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pages]:
    with Api.over(copied(served.home, tmp_path_factory.mktemp("own") / "home")) as api:
        yield Pages(api, USER)


def test_the_page_shows_the_list_of_the_keys_user(pages: Pages) -> None:
    page = pages.get("own", "/me")
    assert page.status_code == 200
    assert listed(page.text) == [str(item.item_id) for item in pages.api.service.recommend(USER, ASKED).items]
    assert "<title>My list · Nightschool</title>" in page.text
    assert 'action="/me/events"' in page.text


def test_a_key_for_one_user_lands_on_their_page(pages: Pages) -> None:
    for wanted, landed in (("/", "/me"), ("/operator", "/me"), ("/catalogue?q=x", "/catalogue?q=x")):
        signed = pages.api.request("POST", "/sign-in", data={"key": pages.keys["own"], "next": wanted})
        assert (signed.status_code, signed.headers["location"]) == (303, landed)
    first = pages.get("own", "/")
    assert (first.status_code, first.headers["location"]) == (303, "/me")
    others = pages.get("reader", "/me")
    assert (others.status_code, others.headers["location"]) == (303, "/")


@pytest.mark.parametrize(
    "path",
    ["/learner/14", "/learner/15", "/compare/14", "/operator", "/operator/diff?left=a&right=b", "/metrics", "/?q=1"],
)
def test_nothing_of_others_is_shown(pages: Pages, path: str) -> None:
    answer = pages.get("own", path)
    assert answer.status_code in {303, 403}
    assert 'href="/learner/' not in answer.text
    assert answer.status_code == 403 or answer.headers["location"] == "/me"


@pytest.mark.parametrize("path", ["/me", "/me?goal=ggplot", "/me?method=interests", "/catalogue", "/items/3"])
def test_no_page_of_a_learner_names_another_one(pages: Pages, path: str) -> None:
    page = pages.get("own", path).text
    assert "/learner/" not in page
    assert "/operator" not in page
    assert "Similar learners" not in page
    assert "Who took it" not in page


@pytest.mark.parametrize("part", ["similar", "list", "path"])
def test_no_part_of_the_page_names_another_one(pages: Pages, part: str) -> None:
    answer = pages.get("own", "/me?method=combined", part)
    assert answer.status_code == 200
    assert "/learner/" not in answer.text


def test_events_are_of_the_keys_user_alone_and_the_last_one_can_be_undone(pages: Pages) -> None:
    before = listed(pages.get("own", "/me").text)
    sent = pages.post("own", "/me/events", item_id=before[0], event="like", user_id="15")
    assert (sent.status_code, sent.headers["location"]) == (303, "/me?just=like#list")
    after = pages.get("own", "/me?just=like").text
    assert '<p class="toast">Liked. The list is up to date.</p>' in after
    assert before[0] not in listed(after)
    event_id = re.findall(r'aria-label="Last action">.*?name="event_id" value="([^"]+)"', after, re.DOTALL)[0]
    assert pages.api.service.feedback.newest("15", 1) == []
    undone = pages.post("own", "/me/undo", event_id=event_id)
    assert undone.headers["location"] == "/me?just=undo#list"
    assert listed(pages.get("own", "/me").text) == before


def test_events_of_another_user_are_not_undone(pages: Pages) -> None:
    other = pages.post("operator", "/learner/15/events", item_id="3", event="like")
    assert other.status_code == 303
    (event,) = pages.api.service.feedback.newest("15", 1)
    assert pages.post("own", "/me/undo", event_id=event.event_id).status_code == 404
    assert pages.api.service.feedback.newest("15", 1) == [event]


def test_each_entry_tells_what_it_follows_from_and_when_that_was(pages: Pages) -> None:
    page = pages.get("own", "/me").text
    entries = [entry for entry in pages.api.service.recommend(USER, ASKED).items if entry.because_item_id is not None]
    assert entries
    history = {entry.item_id: entry for entry in pages.api.service.history(USER, 1_000)}
    for entry in entries:
        because = history[entry.because_item_id or 0]
        assert because.at is not None
        assert f'<a href="/items/{because.item_id}"><bdi>' in page
        assert f'(<time datetime="{because.at.isoformat()}">{because.at.astimezone(UTC):%-d %b %Y}</time>)' in page
    assert page.count("Both: <bdi>") >= len(entries) // 2


def test_a_path_shows_the_skills_that_the_history_does_not_cover(pages: Pages) -> None:
    skills = pages.api.snapshot.catalogue.skill_names
    planned = {skill: pages.api.service.learning_path(USER, skill, 10) for skill in skills}
    missing = next(skill for skill, path in planned.items() if path.skill_gap and path.steps)
    page = pages.get("own", f"/me?goal={missing}").text
    assert f'<ul class="skills"><li><bdi>{missing}</bdi></li></ul>' in page
    assert f'href="/items/{planned[missing].steps[0].item_id}"' in page
    part = pages.get("own", f"/me?goal={missing}", "path").text
    assert f'<p class="toast">{planned[missing].message}</p>'.replace("'", "&#39;") in part
    assert "no such item or skill" in pages.get("own", "/me?goal=nothing").text


def test_a_key_for_all_users_sends_no_event_without_naming_one(pages: Pages) -> None:
    refused = pages.post("operator", "/me/events", item_id="3", event="like")
    assert refused.status_code == 422
    assert "this key is for no one user" in refused.text
