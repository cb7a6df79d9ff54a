"""Swagger UI in a real browser, under the policy of every page: what it loads, shows and sends."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import expect

from nightschool.settings import Settings
from serving.app import with_middleware
from serving.security import HEADERS
from serving.service import Service
from tests.serving.page.browser import Watched, chromium, watching
from tests.serving.server import served


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server without a release, which documents itself all the same."""
    with served(with_middleware(Service(Settings(home=tmp_path_factory.mktemp("docs"))))) as address:
        yield address


@pytest.fixture
def watched(address: str) -> Iterator[Watched]:
    with chromium() as browser, watching(browser, address) as watched:
        yield watched


def test_the_page_has_no_script_or_style_of_its_own_and_the_policy_of_all_pages(address: str) -> None:
    page = httpx.get(f"{address}/docs")
    assert page.headers["content-security-policy"] == HEADERS[b"content-security-policy"].decode()
    assert "<style" not in page.text
    assert page.text.count("<script") == page.text.count("<script src=") == 2
    assert "https://" not in page.text.replace("http://www.w3.org/2000/svg", "")


def test_every_operation_is_shown_one_of_each_kind_opens_and_nothing_is_asked_of_others(watched: Watched) -> None:
    watched.open("/docs")
    n_operations = sum(map(len, httpx.get(f"{watched.address}/openapi.json").json()["paths"].values()))
    blocks = watched.page.locator(".opblock")
    expect(blocks).to_have_count(n_operations)
    sections = watched.page.locator(".opblock-tag-section")
    for place in range(sections.count()):
        sections.nth(place).locator(".opblock-summary-control").last.click()
    expect(watched.page.locator(".opblock.is-open")).to_have_count(sections.count())
    watched.page.locator(".btn.authorize").click()
    expect(watched.page.locator(".auth-container")).to_have_count(2)
    assert {Path(each).name for each in watched.requests} == {
        "docs",
        "docs.js",
        "openapi.json",
        "swagger-ui-bundle.js",
        "swagger-ui.css",
    }
    watched.require_quiet()


def test_a_route_is_tried_with_a_key(watched: Watched) -> None:
    watched.open("/docs")
    watched.page.locator(".btn.authorize").click()
    watched.page.get_by_label("auth-bearer-value").fill("made-up")
    watched.page.locator(".auth-container").filter(has_text="bearer").get_by_role("button", name="Apply").click()
    watched.page.get_by_role("button", name="Close").first.click()
    block = watched.page.locator("#operations-operations-releases_v1_releases_get")
    block.locator(".opblock-summary-control").click()
    block.get_by_role("button", name="Try it out").click()
    block.get_by_role("button", name="Execute").click()
    expect(block.locator(".live-responses-table .response .response-col_status")).to_have_text("200")
    expect(block.locator(".live-responses-table .response")).to_contain_text('"releases": []')
    expect(block.locator(".curl-command")).to_contain_text("Authorization: Bearer made-up")
    watched.require_quiet()
