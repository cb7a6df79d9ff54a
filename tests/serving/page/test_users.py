import re
from collections.abc import Iterator
from html import unescape

import httpx
import pytest

from serving.answers import ListRequest
from serving.page.answers import segment
from serving.rules import Rules
from tests.serving.fakes import ODD_IDS, ODD_TITLES, FakeService
from tests.serving.page.apps import page_over
from tests.serving.server import client_of

LIST = {"HX-Request": "true", "HX-Target": "list"}


@pytest.fixture
def service() -> FakeService:
    return FakeService()


@pytest.fixture
def client(service: FakeService) -> Iterator[httpx.Client]:
    with client_of(page_over(service)) as client:
        yield client


def listed(page: str) -> list[str]:
    """Ids of the items that a page lists, in order."""
    return [unescape(item) for item in re.findall(r'name="item_id" value="([^"]*)"', page)]


def test_users_are_found_by_what_is_typed(client: httpx.Client) -> None:
    assert "The first 20" in client.get("/").text
    found = client.get("/", params={"q": "19"}).text
    assert 'href="/learner/190"' in found
    assert 'href="/learner/20"' not in found
    nobody = client.get("/", params={"q": "<nobody>"}).text
    assert "Nobody in this release matches" in nobody
    assert 'href="/learner/%3Cnobody%3E"' in nobody


@pytest.mark.parametrize("user_id", ODD_IDS)
def test_a_page_of_any_id_is_reached_from_the_search(client: httpx.Client, service: FakeService, user_id: str) -> None:
    address = f"/learner/{segment(user_id)}"
    assert f'href="{address}"' in client.get("/", params={"q": user_id}).text
    page = client.get(address)
    assert page.status_code == 200
    action = unescape(re.findall(r'class="acts" action="([^"]+)"', page.text)[0])
    before = listed(page.text)
    after = client.post(action, data={"item_id": before[0], "event": "hide", "once": "x"}, follow_redirects=True)
    assert service.sent[-1].user_id == user_id
    assert listed(after.text) == service_list(service, user_id)
    assert before[0] not in listed(after.text)
    compared = client.get(unescape(re.findall(r'href="(/compare/[^"]+)"', page.text)[0]))
    assert compared.status_code == 200


def service_list(service: FakeService, user_id: str) -> list[str]:
    return [str(entry.item_id) for entry in service.recommend(user_id, ListRequest()).items]


def test_titles_of_every_kind_are_escaped(client: httpx.Client) -> None:
    page = client.get("/learner/14").text
    assert "<script>alert" not in page
    assert "<b>" not in page
    for title in ODD_TITLES:
        assert title in unescape(page)
    assert '<a class="title untitled" href="/items/item%2F3">Untitled item <bdi>item/3</bdi></a>' in page


@pytest.mark.parametrize(("event", "told"), [("like", "Liked"), ("complete", "Marked as done"), ("hide", "Hidden")])
def test_an_event_is_sent_once_and_changes_the_list(
    client: httpx.Client, service: FakeService, event: str, told: str
) -> None:
    before = client.get("/learner/14").text
    form = {"item_id": "item/2", "event": event, "once": re.findall(r'name="once" value="([^"]+)"', before)[0]}
    answer = client.post("/learner/14/events?k=20", data=form)
    assert answer.status_code == 303
    assert answer.headers["location"] == f"/learner/14?k=20&just={event}#list"
    after = client.get(answer.headers["location"]).text
    assert told in after
    assert len(listed(after)) == 20
    assert "item/2" not in listed(after)
    client.post("/learner/14/events", data=form)
    assert [(sent.user_id, sent.item_id, sent.event) for sent in service.sent] == [("14", "item/2", event)]


def test_htmx_gets_the_changed_parts_alone(client: httpx.Client) -> None:
    changed = client.post("/learner/14/events", data={"item_id": "item/2", "event": "like"}, headers=LIST).text
    assert "<html" not in changed
    assert "item/2" not in listed(changed)
    assert 'id="past"' in changed
    assert 'id="said" hx-swap-oob' in changed
    part = client.get("/learner/14?k=20", headers=LIST).text
    assert len(listed(part)) == 20
    assert 'id="past"' not in part


def test_settings_turn_the_list_and_stay_in_its_forms(client: httpx.Client) -> None:
    plain, turned = client.get("/learner/14").text, client.get("/learner/14?alpha=1.0&diversity=0.3").text
    assert listed(plain) != listed(turned)
    assert 'action="/learner/14/events?alpha=1.0&amp;diversity=0.3"' in turned
    assert "as published" in plain
    assert listed(client.get("/learner/14?alpha=0.6&unmoved=0.6").text) == listed(plain)


def test_contexts_are_offered_only_where_a_release_has_them(client: httpx.Client) -> None:
    assert "context" not in client.get("/learner/14").text


def test_a_context_is_chosen_by_a_plain_form_and_stays_with_what_is_done() -> None:
    service = FakeService(contextual=True)
    with client_of(page_over(service)) as client:
        plain = client.get("/learner/14").text
        assert re.findall(r'<select id="context-\d" name="([^"]+)"', plain) == ["context.hour", "context.device"]
        assert '<option value="">now</option><option>9</option><option>10</option>' in plain
        assert "<option>&lt;desk&gt;</option>" in plain
        address = {"k": "20", "context.hour": "", "context.device": "<desk>"}
        page = client.get("/learner/14", params=address).text
        assert "<option selected>&lt;desk&gt;</option>" in page
        assert listed(page) != listed(client.get("/learner/14?k=20").text)
        action = unescape(re.findall(r'class="acts" action="([^"]+)"', page)[0])
        assert action == "/learner/14/events?k=20&context.device=%3Cdesk%3E"
        after = client.post(action, data={"item_id": "item/2", "event": "like"}, follow_redirects=True).text
        assert service.sent[-1].context == {"device": "<desk>"}
        assert "<option selected>&lt;desk&gt;</option>" in after
        strange = client.get("/learner/14", params={"context.device": "toaster", "context.place": "home"})
        assert (strange.status_code, listed(strange.text)) == (200, listed(client.get("/learner/14").text))
        form = {"item_id": "item/4", "event": "like", "once": "x"}
        hour = client.post("/learner/14/events?context.hour=9", data=form)
        assert (hour.status_code, service.sent[-1].context) == (303, {})


def test_the_slider_stands_where_rules_or_an_experiment_have_put_alpha(
    client: httpx.Client, service: FakeService
) -> None:
    ask = service.recommend
    changed = {"alpha": 0.3}
    service.recommend = lambda *asked, **_: ask(*asked).model_copy(update=changed)  # type: ignore[method-assign]
    page = client.get("/learner/14").text
    assert 'step="0.1" value="0.3"' in page
    assert 'name="unmoved" value="0.3"' in page


def test_alpha_is_offered_only_where_there_is_content() -> None:
    for content in (True, False):
        with client_of(page_over(FakeService(content=content))) as client:
            assert ('name="alpha"' in client.get("/learner/14").text) is content
            assert ('name="left_alpha"' in client.get("/compare/14").text) is content


def test_two_settings_stand_side_by_side(client: httpx.Client) -> None:
    same = client.get("/compare/14").text
    assert "10 of 10 items are in both lists" in same
    other = client.get("/compare/14?right_alpha=1.0&right_diversity=0.3&k=20").text
    assert "13 of 20 items are in both lists" in other
    assert other.count("only here") == 14
    assert "<html" not in client.get("/compare/14", headers={**LIST, "HX-Target": "sides"}).text


def test_similar_users_come_by_each_method(client: httpx.Client) -> None:
    assert 'href="/learner/101"' in client.get("/learner/14").text
    part = client.get("/learner/14?method=interests", headers={**LIST, "HX-Target": "similar"}).text
    assert "Nobody is known to be like them" in part
    assert "<html" not in part


def test_what_to_study_next_follows_the_newest_item(client: httpx.Client, service: FakeService) -> None:
    page = client.get("/learner/14").text
    assert "Study next" in page
    assert re.findall(r"(\d+)% of them, (\d+) learners", page) == [("50", "90"), ("25", "45"), ("17", "30")]
    form = {"item_id": "item/5", "event": "like", "once": "o"}
    part = client.post("/learner/14/events", data=form, headers={"HX-Request": "true", "HX-Target": "list"}).text
    assert '<div id="next" hx-swap-oob="innerHTML">' in part
    service.study_next = lambda user_id, k: None  # type: ignore[method-assign]
    assert "Study next" not in client.get("/learner/14").text


def test_a_path_is_shown_for_a_goal_alone(client: httpx.Client) -> None:
    whole = client.get("/learner/14").text
    assert 'name="goal" value=""' in whole
    assert '<option value="charts &amp; &lt;b&gt;tables&lt;/b&gt;">' in whole
    assert "Skills to gain" not in whole
    shown = client.get("/learner/14", params={"goal": " <b>x</b> "}).text
    assert "3 steps lead to &lt;b&gt;x&lt;/b&gt;." in shown
    assert "<li><bdi>statistics</bdi></li><li><bdi>&lt;i&gt;charts&lt;/i&gt;</bdi></li>" in shown
    assert "none &amp; nothing" in shown
    assert shown.index("prerequisite of First Steps") < shown.index("taken soon after") < shown.index("the goal")
    part = client.get("/learner/14?goal=nothing", headers={**LIST, "HX-Target": "path"})
    assert (part.status_code, "<html" in part.text) == (200, False)
    assert "no such &lt;item&gt; or skill; saw &#39;nothing&#39;; give another" in part.text


def test_who_has_met_everything_is_told_so(service: FakeService, client: httpx.Client) -> None:
    service.items = []
    service.history = lambda user_id, n: []  # type: ignore[method-assign]
    page = client.get("/learner/14").text
    assert "Nothing is left to recommend" in page
    assert "Nothing yet." in page


def test_what_was_just_done_can_be_taken_back(client: httpx.Client, service: FakeService) -> None:
    form = {"item_id": "item/5", "event": "hide", "once": "o"}
    part = client.post("/learner/14/events", data=form, headers={"HX-Request": "true", "HX-Target": "list"}).text
    (event_id,) = set(re.findall(r'name="event_id" value="([^"]+)"', part))
    assert 'aria-label="Last action"' in part
    answer = client.post("/learner/14/undo?k=20", data={"event_id": event_id})
    assert (answer.status_code, answer.headers["location"]) == (303, "/learner/14?k=20&just=undo#list")
    after = client.get(answer.headers["location"]).text
    assert "Taken back." in after
    assert "item/5" in listed(after)
    assert service.sent == []


def test_buttons_bear_the_name_of_their_item(client: httpx.Client) -> None:
    page = client.get("/learner/14").text
    first = listed(page)[0]
    assert f'id="like-{segment(first)}"' in page
    assert 'id="like-1"' not in page


def test_the_rules_diversity_is_shown_and_stays_when_another_control_moves(
    client: httpx.Client, service: FakeService
) -> None:
    service.policy.rules = Rules(diversity=0.35)
    page = client.get("/learner/14").text
    assert 'name="diversity" type="range" min="0" max="1" step="any" value="0.35"' in page
    assert '<input type="hidden" name="even" value="0.35">' in page


def test_every_title_leads_to_its_item(client: httpx.Client) -> None:
    for path in ("/learner/14?goal=x", "/compare/14"):
        page = client.get(path).text
        assert page.count('class="title') == page.count('<a class="title') > 15
        assert 'href="/items/item%2F1"' in page
