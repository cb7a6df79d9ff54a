"""The page of the real application, over a release that a night's own functions made."""

from collections.abc import Iterator

import httpx
import pytest

from serving.app import with_middleware
from serving.service import Service
from tests.serving.homes import make_home, publish, settings_of
from tests.serving.page.test_users import listed
from tests.serving.server import client_of


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    home = make_home(tmp_path_factory.mktemp("page") / "home")
    first, second = publish(home), publish(home, k=15)
    assert first.release_id != second.release_id
    with client_of(with_middleware(Service(settings_of(home)))) as client:
        yield client


def test_a_learner_is_found_and_shown(client: httpx.Client) -> None:
    assert 'href="/learner/14"' in client.get("/?q=14").text
    page = client.get("/learner/14")
    assert page.status_code == 200
    assert len(listed(page.text)) == 10
    assert "because of" in page.text
    assert 'name="alpha"' in page.text
    assert listed(client.get("/learner/14?alpha=0.0").text) != listed(client.get("/learner/14?alpha=1.0").text)


@pytest.mark.parametrize("event", ["like", "complete", "hide"])
def test_an_event_changes_the_list_at_once(client: httpx.Client, event: str) -> None:
    before = listed(client.get("/learner/15").text)
    sent = {"item_id": before[0], "event": event, "once": "x"}
    after = client.post("/learner/15/events", data=sent, follow_redirects=True)
    assert after.status_code == 200
    assert before[0] not in listed(after.text)
    assert {"like": "liked", "complete": "done", "hide": "hidden"}[event] in after.text


def test_whom_nobody_knows_gets_a_list_and_what_is_no_id_a_page(client: httpx.Client) -> None:
    page = client.get("/learner/987654321")
    assert page.status_code == 200
    assert "It holds no list for this learner" in page.text
    assert "Nobody is known to be like them" in page.text
    nobody = client.get("/learner/x%2Fy")
    assert nobody.status_code == 404
    assert "User ids in this home are whole numbers" in nobody.text


def test_settings_and_methods_and_the_operators_pages_answer(client: httpx.Client) -> None:
    for method in ("combined", "interests", "co_engagement"):
        assert client.get(f"/learner/14?method={method}").status_code == 200
    assert client.get("/compare/14?left_alpha=0.1&right_alpha=0.9&right_diversity=0.5").status_code == 200
    assert client.get("/operator").status_code == 200
