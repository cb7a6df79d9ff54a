"""A page of another site in a real browser, which decides what it may ask and read."""

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.responses import HTMLResponse
from playwright.sync_api import Page

from nightschool.settings import Settings
from nightschool.storage.database import open_database
from nightschool.storage.keys import Keys
from serving.app import with_middleware
from serving.service import Service
from tests.serving.page.browser import chromium
from tests.serving.server import served

_ASK = """async ([address, options]) => {
    try {
        const answer = await fetch(address, options)
        return [answer.status, await answer.json(), answer.headers.get('x-request-id') !== null]
    } catch (error) {
        return String(error)
    }
}"""


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    """The address of another site, which holds one empty page."""
    app = FastAPI()
    app.get("/")(lambda: HTMLResponse("<!doctype html><title>Another site</title><link rel=icon href='data:,'>"))
    with served(app) as address:
        yield address


@pytest.fixture(scope="module")
def api(site: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """The address of a service without a release that lists the site, and a key."""
    home = tmp_path_factory.mktemp("listed")
    service = Service(Settings(home=home, cors_origins=site))
    key = Keys(open_database(service.settings.events_address)).add("app", "events")
    service.refresh()
    with served(with_middleware(service)) as address:
        yield address, key


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    with chromium() as browser:
        yield browser.new_page()


def ask(page: Page, address: str, key: str, **options: Any) -> Any:
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    return page.evaluate(_ASK, [address, {"headers": headers, **options}])


def test_a_listed_page_reads_and_sends_and_sees_why_it_was_refused(page: Page, site: str, api: tuple[str, str]) -> None:
    address, key = api
    page.goto(site)
    assert ask(page, f"{address}/v1/releases", key) == [200, {"releases": []}, True]
    body = '{"user_id": 1, "item_id": 1, "event": "like"}'
    status, told, has_id = ask(page, f"{address}/v1/events", key, method="POST", body=body)
    assert (status, told["type"], has_id) == (503, "/problems/unavailable", True)
    status, told, _ = ask(page, f"{address}/v1/events/x", "wrong", method="DELETE")
    assert (status, told["type"]) == (401, "/problems/no-key")


def test_a_page_of_another_origin_reads_nothing(page: Page, site: str, api: tuple[str, str]) -> None:
    address, key = api
    page.goto(site.replace("127.0.0.1", "localhost"))
    assert "Failed to fetch" in ask(page, f"{address}/v1/releases", key)
    assert "Failed to fetch" in page.evaluate(_ASK, [f"{address}/health", {}])


def test_a_listed_page_sends_no_cookies(page: Page, site: str, api: tuple[str, str]) -> None:
    address, key = api
    page.goto(site)
    assert "Failed to fetch" in ask(page, f"{address}/v1/releases", key, credentials="include")
