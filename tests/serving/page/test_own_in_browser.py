"""The learner's side in a real browser, over a real release: by hand, by keyboard, and without scripts."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, expect

from serving.security import COOKIE
from tests.serving.client import Api
from tests.serving.conftest import Served, copied
from tests.serving.page.apps import Pages
from tests.serving.page.browser import DESK, PHONE, Watched, chromium, watching
from tests.serving.server import served as listening

USER = "14"
OWN_PAGES = (
    "/me",
    "/me?goal=ggplot&alpha=0.2",
    "/catalogue",
    "/catalogue?q=neural&sort=trending",
    "/catalogue?q=qqqqzzzz",
    "/catalogue?filter=colour+==+1",
    "/items/32",
    "/items/nothing",
    "/learner/15",
    "/problems/not-found",
)
TABLET = {"width": 768, "height": 900}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def pages(served: Served, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pages]:
    with Api.over(copied(served.home, tmp_path_factory.mktemp("browser") / "home")) as api:
        yield Pages(api, USER)


@pytest.fixture(scope="module")
def address(pages: Pages) -> Iterator[str]:
    with listening(pages.api.app) as address:
        yield address


@contextmanager
def signed_in(browser: Browser, address: str, pages: Pages, who: str = "own", **options: object) -> Iterator[Watched]:
    """A page of somebody with a key."""
    with watching(browser, address, **options) as watched:
        cookie = {"name": COOKIE, "value": pages.keys[who], "url": address}
        watched.page.context.add_cookies([cookie])  # type: ignore[list-item]
        yield watched
        watched.complaints = [told for told in watched.complaints if "404" not in told and "403" not in told]
        watched.require_quiet()


@pytest.mark.parametrize("path", ["/me", "/catalogue", "/items/32"])
def test_a_first_load_is_light(browser: Browser, address: str, pages: Pages, path: str) -> None:
    with signed_in(browser, address, pages) as watched:
        watched.open(path)
        assert 0 < watched.bytes <= 60_000
        assert len(watched.requests) <= 5


@pytest.mark.parametrize(("viewport", "scheme"), [(PHONE, "light"), ({**DESK, "width": 1440}, "dark")])
def test_every_page_of_a_learner_is_accessible_and_fits(
    browser: Browser, address: str, pages: Pages, viewport: object, scheme: str
) -> None:
    with signed_in(browser, address, pages, viewport=viewport, color_scheme=scheme) as watched:
        for path in OWN_PAGES:
            watched.open(path)
            watched.require_accessible()
            watched.require_no_sideways_scroll()


def test_a_learner_likes_and_takes_it_back_by_keyboard_and_the_toast_leaves(
    browser: Browser, address: str, pages: Pages
) -> None:
    with signed_in(browser, address, pages) as watched:
        page = watched.page
        watched.open("/me")
        first = page.locator("#list .items .title").first.inner_text()
        like = page.get_by_role("button", name="Like").first
        like.focus()
        page.keyboard.press("Enter")
        toast = page.get_by_role("status").get_by_text("Liked. The list is up to date.")
        toast.wait_for()
        assert page.evaluate("document.activeElement.id") == "list-title"
        assert first in page.get_by_label("Last action").inner_text()
        watched.require_accessible()
        while page.evaluate("document.activeElement.textContent") != "Undo":
            page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        page.get_by_text("Taken back. The list is up to date.").wait_for()
        expect(page.locator("#list .items .title").first).to_have_text(first)
        # The animation is ended early: eight seconds are long for a test.
        page.evaluate("document.getAnimations().forEach(each => each.finish())")
        expect(page.locator(".toast")).to_be_hidden()


def test_a_server_that_does_not_answer_is_told(browser: Browser, address: str, pages: Pages) -> None:
    with signed_in(browser, address, pages) as watched:
        watched.open("/me")
        watched.page.context.set_offline(True)
        watched.page.get_by_role("button", name="Like").first.click()
        watched.page.get_by_role("status").get_by_text("The server does not answer.").wait_for()
        assert watched.page.get_by_role("button", name="Like").first.is_enabled()
        watched.complaints = [told for told in watched.complaints if "ERR_INTERNET_DISCONNECTED" not in told]
        watched.complaints = [told for told in watched.complaints if "htmx:" not in told]


def test_the_catalogue_follows_what_is_typed_and_chosen(browser: Browser, address: str, pages: Pages) -> None:
    with signed_in(browser, address, pages) as watched:
        page = watched.page
        watched.open("/catalogue")
        page.get_by_role("searchbox").press_sequentially("neural")
        page.wait_for_url("**/catalogue?q=neural*")
        expect(page.locator("#found .title").first).to_contain_text("eural")
        assert page.evaluate("document.activeElement.id") == "q"
        page.get_by_role("searchbox").fill("")
        page.get_by_label("Difficulty").select_option("Beginner")
        page.get_by_role("status").get_by_text("items").wait_for()
        page.wait_for_url("**of.difficulty=Beginner*")
        page.get_by_role("button", name="Show more").click()
        expect(page.locator("#found .title")).to_have_count(40)
        assert page.evaluate(
            "document.activeElement.matches('.catalogue + .catalogue .title, .more ~ .catalogue .title')"
        )
        page.locator("#found .title").nth(20).click()
        page.wait_for_url("**/items/*")


def test_a_path_is_planned_and_read_out_and_focus_stays(browser: Browser, address: str, pages: Pages) -> None:
    with signed_in(browser, address, pages) as watched:
        watched.open("/me")
        watched.page.get_by_label("Goal: ").fill(pages.api.snapshot.catalogue.skill_names[0])
        watched.page.get_by_role("button", name="Plan").click()
        said = watched.page.locator("#path-said").inner_text()
        assert watched.page.get_by_role("status").inner_text() == said
        assert watched.page.evaluate("document.activeElement.id") == "plan"


def test_the_learners_side_works_without_scripts(browser: Browser, address: str, pages: Pages) -> None:
    with signed_in(browser, address, pages, java_script_enabled=False, viewport=PHONE) as plain:
        page = plain.page
        plain.open("/me")
        page.get_by_role("button", name="Hide").first.click()
        toast = page.get_by_role("status").get_by_text("Hidden.")
        expect(toast).to_be_in_viewport()
        page.get_by_label("Last action").get_by_role("button").click()
        expect(page.get_by_role("status").get_by_text("Taken back.")).to_be_in_viewport()
        page.get_by_label("Goal: ").fill(pages.api.snapshot.catalogue.skill_names[0])
        page.get_by_role("button", name="Plan").click()
        assert page.locator("#path-said").inner_text()
        page.get_by_role("link", name="Catalogue").click()
        page.get_by_role("searchbox").fill("neural")
        page.get_by_role("button", name="Search").click()
        page.locator("#found .title").first.click()
        page.get_by_role("button", name="Done").click()
        assert page.url.startswith(f"{address}/me?just=complete")


def test_people_sign_in_to_their_own_page(browser: Browser, address: str, pages: Pages) -> None:
    with watching(browser, address) as watched:
        watched.open("/")
        watched.page.get_by_label("Key").fill(pages.keys["own"])
        watched.page.get_by_role("button", name="Sign in").click()
        watched.page.wait_for_url("**/me")
        assert watched.page.get_by_role("navigation", name="Pages").inner_text().split("\n") == ["My list", "Catalogue"]
        watched.require_quiet()
