"""The operator's pages in a real browser: they fit, axe finds nothing, keys alone and no script are enough."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from nightschool.experiments.plan import Arm, Plan
from nightschool.experiments.store import Experiments
from nightschool.settings import Settings
from nightschool.storage.database import open_database
from nightschool.storage.keys import Keys
from nightschool.storage.lake import Lake
from nightschool.storage.quarantine.repairs import Place, Repairs
from nightschool.storage.releases import Releases
from tests.serving.fakes import FakeService
from tests.serving.nights import make_nights
from tests.serving.page.apps import page_over
from tests.serving.page.browser import DESK, PHONE, Watched, chromium, watching
from tests.serving.server import served

ROW = "/operator/quarantine/row?table=interactions&file=events.csv&row=1"
EVERY_PAGE = (
    "/operator/holds",
    "/operator/quarantine",
    ROW,
    "/operator/experiments",
    "/operator/experiments/stop?name=more",
    "/operator/tables",
    "/operator/keys",
    "/operator/keys/revoke?name=ops",
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """Nights, a hold, two keys, an experiment and corrections, so that every page shows all that it has."""
    lake = make_nights(tmp_path / "nights")
    database = open_database(settings(lake).events_address)
    Releases(lake).hold("exams", "ops")
    keys = Keys(database)
    keys.add("ops", "operate")
    keys.add("browser", "read", "14")
    Experiments(database).start(Plan(name="more", arms=(Arm(name="a", share=0.5), Arm(name="b", share=0.5, alpha=0.3))))
    repairs = Repairs(database)
    repairs.dismiss(Place("interactions", "events.csv", 9), "{}", "a test", "ops")
    repairs.end(repairs.waiting()[0], "dismissed", repairs.waiting()[0].asked_at)
    repairs.ask(Place("interactions", "events.csv", 2), "{}", '{"user":"7"}', "ops")
    return lake


def settings(lake: Lake) -> Settings:
    return Settings(home=lake.root.parent)


@pytest.fixture
def address(lake: Lake) -> Iterator[str]:
    with served(page_over(FakeService(), lake.root.parent)) as address:
        yield address


@pytest.mark.parametrize(("viewport", "scheme"), [(DESK, "dark"), (PHONE, "light")])
def test_every_page_is_accessible_fits_and_is_light(
    browser: Browser, address: str, viewport: object, scheme: str
) -> None:
    with watching(browser, address, viewport=viewport, color_scheme=scheme) as watched:
        for path in EVERY_PAGE:
            watched.open(path)
            watched.require_accessible()
            watched.require_no_sideways_scroll()
            assert 0 < watched.bytes <= 350_000
        watched.require_quiet()


def tab_to(watched: Watched, name: str) -> None:
    """Presses Tab until what has the id, the text or the label has the focus."""
    told = "[document.activeElement.id, document.activeElement.textContent.trim(), document.activeElement.ariaLabel]"
    for _ in range(80):
        watched.page.keyboard.press("Tab")
        if name in watched.page.evaluate(told):
            return
    raise AssertionError(f"no Tab leads to {name}")


def test_a_row_is_corrected_by_keyboard_alone(browser: Browser, address: str, lake: Lake) -> None:
    with watching(browser, address) as watched:
        watched.open("/operator/quarantine")
        tab_to(watched, "Correct or dismiss events.csv row 1")
        watched.page.keyboard.press("Enter")
        watched.page.wait_for_url("**/operator/quarantine/row?**")
        tab_to(watched, "field-1")
        watched.page.keyboard.press("Control+a")
        watched.page.keyboard.type("42")
        tab_to(watched, "Send it to be taken in")
        watched.page.keyboard.press("Enter")
        watched.page.get_by_text("Noted: the next ingest").wait_for()
        watched.require_quiet()
    waiting = Repairs(open_database(settings(lake).events_address)).waiting()
    assert json.loads(waiting[-1].row or "")["user"] == "42"


def test_everything_works_without_scripts(browser: Browser, address: str, lake: Lake) -> None:
    with watching(browser, address, java_script_enabled=False) as plain:
        plain.open("/operator")
        plain.page.get_by_role("link", name="Holds", exact=True).first.click()
        plain.page.get_by_role("button", name="Let nights publish again").click()
        assert Releases(lake).held() is None
        plain.page.get_by_role("link", name="Keys", exact=True).click()
        plain.page.get_by_label("Whose it is").fill("platform")
        plain.page.get_by_role("button", name="Add it").click()
        assert len(plain.page.locator("code.key").inner_text()) == 43
        plain.page.get_by_role("button", name="Revoke browser").click()
        plain.page.get_by_role("button", name="Revoke it").click()
        assert "The key browser is revoked" in plain.page.get_by_role("status").inner_text()
        plain.page.get_by_role("link", name="Experiments", exact=True).click()
        plain.page.get_by_role("button", name="Stop more").click()
        plain.page.get_by_label("Why").fill("enough")
        plain.page.get_by_role("button", name="Stop it").click()
        assert "is stopped" in plain.page.get_by_role("status").inner_text()
        plain.page.get_by_role("link", name="Tables", exact=True).click()
        with plain.page.expect_download() as begun:
            plain.page.get_by_role("link", name="metrics as parquet").click()
        assert begun.value.suggested_filename.endswith("-metrics.parquet")
    keys = Keys(open_database(settings(lake).events_address)).list()
    assert [key.name for key in keys] == ["ops", "platform"]
