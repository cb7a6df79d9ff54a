from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.serving.fakes import FakeService
from tests.serving.nights import FIRST, THIRD, make_nights
from tests.serving.page.apps import page_over
from tests.serving.server import client_of

BROWSER = {"accept": "text/html,*/*"}
HTMX = {"HX-Request": "true", "HX-Target": "list"}
ROLLBACK = {"release_id": FIRST, "reason": "worse"}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return make_nights(tmp_path / "nights").root.parent


@pytest.fixture
def client(home: Path) -> Iterator[httpx.Client]:
    with client_of(page_over(FakeService(), home, {"r": "read", "w": "operate"})) as client:
        yield client


def test_who_has_no_key_is_sent_to_sign_in_and_back(client: httpx.Client) -> None:
    answer = client.get("/operator?releases=all", headers=BROWSER)
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?next=%2Foperator%3Freleases%3Dall")
    form = client.get(answer.headers["location"], headers=BROWSER)
    assert 'name="next" value="/operator?releases=all"' in form.text
    signed = client.post("/sign-in", data={"key": "r", "next": "/operator?releases=all"}, headers=BROWSER)
    assert client.get(signed.headers["location"], headers=BROWSER).status_code == 200


def test_programs_are_told_in_json(client: httpx.Client) -> None:
    answer = client.get("/operator", headers={"accept": "application/json"})
    assert answer.status_code == 401
    assert "detail" in answer.json()


def test_htmx_opens_the_form_as_a_page(client: httpx.Client) -> None:
    answer = client.post("/learner/14/events", data={"item_id": "item/2", "event": "like"}, headers=HTMX)
    assert (answer.status_code, answer.headers["hx-redirect"]) == (401, "/sign-in")


def test_a_key_that_reads_rolls_nothing_back(client: httpx.Client, home: Path) -> None:
    client.cookies.set("nightschool_key", "r")
    assert client.get("/operator/rollback", params={"release_id": FIRST}, headers=BROWSER).status_code == 200
    answer = client.post("/operator/rollback", data=ROLLBACK, headers=BROWSER)
    assert answer.status_code == 403
    assert "the request needs one with the role operate" in answer.text
    assert "<main" in answer.text
    for address, button in (("/learner/14", 'value="like"'), ("/operator", "Roll back to")):
        assert button not in client.get(address, headers=BROWSER).text
    part = client.post("/learner/14/events", data={"item_id": "item/2", "event": "like"}, headers=HTMX)
    assert part.status_code == 403
    assert "<html" not in part.text
    assert (
        '<p class="toast wrong">this key has the role read; the request needs one with the role events</p>' in part.text
    )
    assert "<strong>current</strong>" in client.get("/operator", headers=BROWSER).text
    client.cookies.set("nightschool_key", "w")
    assert client.post("/operator/rollback", data=ROLLBACK, headers=BROWSER).status_code == 303


@pytest.mark.parametrize("headers", [{"sec-fetch-site": "cross-site"}, {"origin": "https://evil.example"}])
def test_no_other_site_sends_a_form(home: Path, headers: dict[str, str]) -> None:
    with client_of(page_over(FakeService(), home)) as client:
        answer = client.post("/operator/rollback", data=ROLLBACK, headers={**BROWSER, **headers})
        assert answer.status_code == 403
        assert "a page of another site may not send this" in answer.text
        assert f'aria-label="Roll back to {THIRD}"' not in client.get("/operator").text
