import gzip
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from nightschool.settings import Settings
from serving.page.answers import ago, day, minute, segment, words
from tests.serving.client import Api
from tests.serving.fakes import FakeService
from tests.serving.page.apps import page_over
from tests.serving.server import client_of

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with client_of(page_over(FakeService())) as client:
        yield client


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(-5, "just now"), (59, "just now"), (60, "1 minute ago"), (7_199, "1 hour ago"), (7_200, "2 hours ago"),
     (86_400 * 1_500, "1,500 days ago")],
)  # fmt: skip
def test_ages_are_told_in_words(seconds: int, told: str) -> None:
    assert ago(NOW - timedelta(seconds=seconds), NOW) == told


def test_instants_are_told_in_utc() -> None:
    assert day(NOW) == "27 Nov 2026"
    assert minute(NOW) == "27 Nov 2026, 12:00"
    assert words("bad_user") == "bad user"


def test_an_id_is_one_segment_of_an_address() -> None:
    assert segment("a/b?c#d e%") == "a%2Fb%3Fc%23d%20e%25"
    assert segment(14) == "14"


def test_pages_are_compressed_where_the_browser_takes_it_and_never_stored(client: httpx.Client) -> None:
    packed = client.get("/")
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.headers["cache-control"] == "no-store"
    plain = client.get("/", headers={"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.text == packed.text
    assert len(gzip.compress(plain.content)) < len(plain.content)


def test_a_refusal_is_a_page_with_its_status_and_escaped_words(client: httpx.Client) -> None:
    answer = client.get("/learner/broken")
    assert answer.status_code == 404
    assert "no such &lt;user&gt;" in answer.text
    assert "<main" in answer.text


def test_a_server_without_a_release_says_to_people_when_to_come_again(tmp_path: Path) -> None:
    with Api(Settings(home=tmp_path / "nothing")).open() as api:
        answer = api.get("/catalogue?q=a&b=%22", headers={"accept": "text/html"})
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
        assert "<title>Not available right now · Nightschool</title>" in answer.text
        assert '<a href="/catalogue?q=a&amp;b=%22">Try again</a>' in answer.text
        assert 'href="/problems/unavailable"' in answer.text


def test_a_defect_names_its_request_and_shows_nothing_else(reading: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading.service, "recommend", lambda *_: 1 / 0)
    answer = reading.get("/learner/14", headers={"accept": "text/html", "x-request-id": "abc-1"})
    assert answer.status_code == 500
    assert "<h1>Something failed here</h1>" in answer.text
    assert "Request id <code>abc-1</code>" in answer.text
    assert "ZeroDivisionError" not in answer.text


def test_a_form_that_is_not_one_gets_a_page_too(client: httpx.Client) -> None:
    answer = client.post("/learner/14/events", data={"item_id": "item/3", "event": "explode"})
    assert answer.status_code == 422
    assert "event: Input should be" in answer.text


def test_going_back_in_history_gets_the_whole_page(client: httpx.Client) -> None:
    part = {"HX-Request": "true", "HX-Target": "found"}
    assert "<main" not in client.get("/", headers=part).text
    assert "<main" in client.get("/", headers={**part, "HX-History-Restore-Request": "true"}).text
