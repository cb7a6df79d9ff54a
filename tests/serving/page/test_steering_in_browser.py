"""Steering, rules and the audit log in a real browser: fit and accessible, by keyboard, and without scripts."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Browser, expect

from nightschool.storage.home import Home
from nightschool.storage.interventions import Asked
from serving.app import with_middleware
from serving.service import Service
from tests.serving.homes import settings_of
from tests.serving.page.browser import DESK, PHONE, Watched, chromium, watching
from tests.serving.server import served

SOON = datetime.now(UTC) + timedelta(days=2)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def service(own_home: Home) -> Service:
    own_home.paths.rules.write_text("# Rules of all lists\nquota = 4\n")
    own_home.paths.scenarios.write_text('[hero]\ntitle = "For you"\nk = 6\n')
    service = Service(settings_of(own_home))
    ids = service.current.snapshot.catalogue.ids
    service.operating.intervene(Asked(str(ids[1]), "pin", "course of the month", SOON, place=1, scenario="hero"), "")
    service.operating.intervene(Asked(str(ids[2]), "ban", "its author withdrew it"), "editors")
    return service


@pytest.fixture
def address(service: Service) -> Iterator[str]:
    with served(with_middleware(service)) as address:
        yield address


@pytest.fixture(params=[True, False], ids=["scripts", "no scripts"])
def watched(request: pytest.FixtureRequest, browser: Browser, address: str) -> Iterator[Watched]:
    with watching(browser, address, java_script_enabled=request.param) as watched:
        yield watched


@pytest.mark.parametrize(("viewport", "scheme"), [(DESK, "dark"), (PHONE, "light")])
def test_every_page_is_accessible_and_fits(
    browser: Browser, address: str, service: Service, viewport: object, scheme: str
) -> None:
    item = service.current.snapshot.catalogue.ids[3]
    version = service.operating.rule_files.versions.newest("rules.toml", 1)[0].sequence
    with watching(browser, address, viewport=viewport, color_scheme=scheme) as watched:
        for path in (
            "/operator",
            "/operator/steering?q=data",
            f"/operator/steering?item={item}&just=set",
            "/operator/rules",
            "/operator/rules?file=scenarios.toml",
            f"/operator/rules/version?file=rules.toml&version={version}",
            "/operator/audit",
        ):
            watched.open(path)
            watched.require_accessible()
            watched.require_no_sideways_scroll()
        watched.require_quiet()
        watched.open("/operator/rules")
        watched.page.get_by_label("rules.toml", exact=True).fill("quota = 1\nfilter = 'price < 3'\n")
        for button in ("Show what it changes", "Save"):
            watched.page.get_by_role("button", name=button).click()
            expect(watched.page.get_by_role("alert")).to_be_visible()
            watched.require_accessible()
            watched.require_no_sideways_scroll()


def test_an_item_is_pinned_and_let_go_by_keyboard(watched: Watched, service: Service) -> None:
    catalogue = service.current.snapshot.catalogue
    item = catalogue.ids[5]
    watched.open("/operator")
    watched.page.get_by_role("link", name="Pin, boost or ban an item").press("Enter")
    watched.page.get_by_role("searchbox").fill(str(item))
    watched.page.get_by_role("searchbox").press("Enter")
    watched.page.get_by_role("link", name=catalogue.describe(item)["title"]).press("Enter")
    watched.page.get_by_label("Pin it to place").press("ArrowDown")
    expect(watched.page.get_by_label("Boost its score by")).to_be_checked()
    watched.page.get_by_label("Boost its score by").press("ArrowUp")
    watched.page.get_by_label("Place of a pin").fill("3")
    watched.page.get_by_label("Why").fill("shown by hand")
    watched.page.get_by_label("Why").press("Enter")
    expect(watched.page.get_by_role("status")).to_have_text("Set. Lists follow it.")
    newest = service.policy.steering.interventions[0].asked
    assert (newest.item_id, newest.kind, newest.place, newest.reason) == (str(item), "pin", 3, "shown by hand")
    watched.page.get_by_role("button", name="End now: pin of").first.press("Enter")
    expect(watched.page.get_by_role("status")).to_have_text("Ended. Lists are as without it.")
    assert [each.asked.item_id for each in service.policy.steering.interventions] == [
        str(catalogue.ids[2]),
        str(catalogue.ids[1]),
    ]


def test_rules_are_tried_saved_and_brought_back(watched: Watched, service: Service) -> None:
    user = str(service.current.snapshot.lists.keys[0])
    watched.open("/operator/rules")
    text = watched.page.get_by_label("rules.toml", exact=True)
    expect(text).to_have_value("# Rules of all lists\nquota = 4\n")
    text.fill("# Rules of all lists\nquota = 1\n")
    watched.page.get_by_label("Show the list of").fill(user)
    watched.page.get_by_role("button", name="Show what it changes").click()
    expect(watched.page.get_by_role("heading", name=f"The list of {user}")).to_be_visible()
    assert service.policy.rules.quota == 4
    watched.page.get_by_label("Why").fill("variety")
    watched.page.get_by_role("button", name="Save").click()
    expect(watched.page.locator("#said")).to_have_text("Saved. Lists follow it.")
    assert service.policy.rules.quota == 1
    watched.page.get_by_role("link", name="Version").last.click()
    watched.page.get_by_role("button", name="Bring back").click()
    expect(watched.page.locator("#said")).to_have_text("Brought back. Lists follow it.")
    assert service.policy.rules.quota == 4
    watched.page.get_by_role("link", name="Audit log").click()
    expect(watched.page.get_by_text("back to version")).to_have_count(1)
