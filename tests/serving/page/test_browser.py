"""The page in a real browser: what it loads, how it is used by hand, by keyboard, and without scripts."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from nightschool.storage.lake import Lake
from nightschool.storage.releases import Releases
from serving.page.answers import segment
from tests.serving.fakes import ODD_IDS, FakeService
from tests.serving.nights import FIRST, THIRD, make_nights
from tests.serving.page.apps import page_over
from tests.serving.page.browser import DESK, PHONE, Watched, chromium, watching
from tests.serving.server import served

EVERY_PAGE = (
    "/",
    "/?q=nobody-at-all",
    "/learner/14",
    "/learner/14?alpha=0.2&k=50&method=interests",
    "/compare/14?right_alpha=1.0",
    "/operator",
    f"/operator/diff?left={FIRST}&right={THIRD}",
    f"/operator/rollback?release_id={FIRST}",
    "/sign-in",
    "/learner/broken",
)
_CELLS = """[...document.querySelectorAll('.wide tbody tr')].flatMap(row => {
    const names = [...row.closest('table').querySelectorAll('thead th')].map(each => each.textContent)
    const sides = names.length < row.children.length ? ['', 'Left', 'Right'] : names
    return [...row.children].map((cell, place) => [cell, sides[place]])
        .filter(([cell, name]) => cell.matches('td') && cell.textContent && name !== 'Do')
        .map(([cell, name]) => [name, getComputedStyle(cell, '::before').content])
})"""
"""What stands over the column of each cell, and what stands before the cell itself."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def service() -> FakeService:
    return FakeService(n_items=10_000)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return make_nights(tmp_path / "nights")


@pytest.fixture
def address(service: FakeService, lake: Lake) -> Iterator[str]:
    with served(page_over(service, lake.root.parent)) as address:
        yield address


@pytest.fixture
def watched(browser: Browser, address: str) -> Iterator[Watched]:
    with watching(browser, address) as watched:
        yield watched
        watched.require_quiet()


@pytest.fixture
def plain(browser: Browser, address: str) -> Iterator[Watched]:
    """A browser that runs no scripts."""
    with watching(browser, address, java_script_enabled=False) as watched:
        yield watched


def titles(watched: Watched) -> list[str]:
    return watched.page.locator("#list .items .title").all_inner_texts()


@pytest.mark.parametrize(("path", "most"), [("/", 60_000), ("/learner/14", 60_000), ("/operator", 350_000)])
def test_a_first_load_is_light(watched: Watched, path: str, most: int) -> None:
    watched.open(path)
    assert 0 < watched.bytes <= most
    assert len(watched.requests) <= 5


@pytest.mark.parametrize(
    ("viewport", "scheme"), [pytest.param(DESK, "light", marks=pytest.mark.slow), (DESK, "dark"), (PHONE, "light")]
)
def test_every_page_is_accessible_and_fits(browser: Browser, address: str, viewport: object, scheme: str) -> None:
    with watching(browser, address, viewport=viewport, color_scheme=scheme) as watched:
        for path in EVERY_PAGE:
            watched.open(path)
            watched.require_accessible()
            watched.require_no_sideways_scroll()
        watched.complaints = [told for told in watched.complaints if "404" not in told]
        watched.require_quiet()


@pytest.mark.parametrize("path", ["/operator", f"/operator/diff?left={FIRST}&right={THIRD}"])
def test_cells_tell_what_they_are_where_their_headings_have_no_room(browser: Browser, address: str, path: str) -> None:
    with watching(browser, address, viewport={"width": 360, "height": 740}) as watched:
        watched.open(path)
        cells = watched.page.evaluate(_CELLS)
        assert len(cells) > 10
        assert [cell for cell in cells if cell[1] != f'"{cell[0]}: "'] == []
        watched.require_no_sideways_scroll()


def test_users_are_found_as_one_types(watched: Watched) -> None:
    watched.open("/")
    watched.page.get_by_role("searchbox").press_sequentially("19")
    expect(watched.page.locator("#found li")).to_have_count(12)
    assert watched.page.url.endswith("?q=19")
    watched.page.get_by_role("link", name="190").click()
    watched.page.wait_for_url("**/learner/190")
    assert watched.page.get_by_role("heading", level=1).inner_text() == "Learner 190"


@pytest.mark.parametrize(("button", "word"), [("Like", "liked"), ("Done", "done"), ("Hide", "hidden")])
def test_a_button_changes_the_list_at_once(watched: Watched, button: str, word: str) -> None:
    watched.open("/learner/14")
    before = titles(watched)
    watched.page.get_by_role("button", name=f"{button}: Asking Well 9").click()
    expect(watched.page.locator("#past .badge")).to_have_text(word)
    assert before[9] == "Asking Well 9"
    assert titles(watched) == [*before[:9], "Reading Tables 10"]
    assert "Asking Well 9" in watched.page.locator("#past").inner_text()
    assert watched.page.get_by_role("status").inner_text()
    assert watched.page.evaluate("document.activeElement.id") == "list-title"
    watched.require_accessible()


def test_sliders_turn_the_list(watched: Watched) -> None:
    watched.open("/learner/14")
    before = titles(watched)
    watched.page.get_by_role("slider", name="Diversity").press("ArrowRight")
    expect(watched.page.locator("#list .title").first).to_have_text(before[1])
    assert "diversity=0.1" in watched.page.url
    assert titles(watched)[0] == before[1]
    assert watched.page.get_by_text("as published", exact=True).count() == 1
    watched.page.get_by_role("slider", name="α").press("ArrowRight")
    expect(watched.page.locator("#list .value").first).to_have_text("0.7")
    assert titles(watched)[0] == before[2]


def test_tabs_show_who_is_alike_by_another_method(watched: Watched) -> None:
    watched.open("/learner/14")
    watched.page.get_by_role("link", name="Interests").click()
    watched.page.get_by_text("Nobody is known to be like them").wait_for()
    watched.page.get_by_role("link", name="Same items").click()
    watched.page.get_by_role("link", name="101").wait_for()
    assert watched.page.url.endswith("/learner/14")


def test_two_settings_stand_side_by_side(watched: Watched) -> None:
    watched.open("/learner/14")
    watched.page.get_by_role("link", name="Compare two settings").click()
    watched.page.get_by_text("only here").first.wait_for()
    watched.page.locator("#right-alpha").press("End")
    watched.page.get_by_text("6 of 10 items are in both lists").wait_for()
    watched.require_accessible()


def test_a_release_comes_back_by_keyboard_alone(watched: Watched, lake: Lake) -> None:
    watched.open("/operator")
    press = watched.page.keyboard.press
    press("Tab")
    assert watched.page.evaluate("document.activeElement.className") == "skip"
    press("Enter")
    while watched.page.evaluate("document.activeElement.ariaLabel") != f"Roll back to {FIRST}":
        press("Tab")
    assert watched.page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    press("Enter")
    watched.page.wait_for_url("**/operator/rollback?**")
    watched.page.locator("input:focus").wait_for()
    watched.page.keyboard.type("worse since")
    for _ in range(2):
        press("Tab")
    press("Enter")
    watched.page.get_by_text("is current now").wait_for()
    current = Releases(lake).current()
    assert current is not None
    assert (current.release_id, current.reason) == (FIRST, "worse since")


def test_ids_of_every_kind_are_shown_as_they_are(watched: Watched, service: FakeService) -> None:
    for user_id in ODD_IDS:
        watched.open(f"/learner/{segment(user_id)}")
        assert watched.page.locator("h1 bdi").text_content() == user_id
        watched.page.get_by_role("button", name="Hide: Asking Well 9").click()
        expect(watched.page.locator("#past .badge")).to_have_text("hidden")
        assert service.sent[-1].user_id == user_id


def test_ids_that_a_script_would_round_come_back_whole(watched: Watched, service: FakeService) -> None:
    user, item = 1_815_340_000_000_000_123, 9_223_372_036_854_775_807
    service.items[9] = service.items[9].model_copy(update={"item_id": item})
    service.users.append(user)
    watched.open("/")
    watched.page.get_by_role("searchbox").press_sequentially("0123")
    watched.page.get_by_role("link", name=str(user)).click()
    watched.page.get_by_role("button", name="Hide: Asking Well 9").click()
    expect(watched.page.locator("#past .badge")).to_have_text("hidden")
    assert [(str(event.user_id), str(event.item_id)) for event in service.sent] == [(str(user), str(item))]
    watched.page.get_by_role("button", name="Undo").first.click()
    expect(watched.page.locator("#past .badge")).to_have_count(0)
    assert service.sent == []
    assert "Asking Well 9" in titles(watched)
    watched.page.get_by_role("link", name="Compare two settings").click()
    watched.page.wait_for_url(f"**/compare/{user}?**")


def test_everything_works_without_scripts(plain: Watched, lake: Lake) -> None:
    plain.open("/")
    plain.page.get_by_role("searchbox").fill("14")
    plain.page.get_by_role("button", name="Search").click()
    plain.page.get_by_role("link", name="14").first.click()
    before = titles(plain)
    plain.page.get_by_role("button", name="Hide: Asking Well 9").click()
    assert "Hidden" in plain.page.get_by_role("status").inner_text()
    assert titles(plain) == [*before[:9], "Reading Tables 10"]
    plain.page.get_by_label("Items").select_option("20")
    plain.page.get_by_role("button", name="Apply").click()
    assert len(titles(plain)) == 20
    plain.page.get_by_role("link", name="Interests").click()
    assert "Nobody is known" in plain.page.locator("#similar").inner_text()
    plain.page.get_by_role("link", name="Compare two settings").click()
    plain.page.get_by_role("button", name="Compare").click()
    plain.page.get_by_role("link", name="Operator").click()
    plain.page.get_by_role("button", name="Show the difference").click()
    plain.page.get_by_role("link", name="Operator").click()
    plain.page.get_by_role("button", name=f"Roll back to {FIRST}").click()
    plain.page.get_by_label("Why").fill("worse")
    plain.page.get_by_role("button", name="Roll back").click()
    assert "is current now" in plain.page.get_by_role("status").inner_text()
    current = Releases(lake).current()
    assert current is not None
    assert current.release_id == FIRST
