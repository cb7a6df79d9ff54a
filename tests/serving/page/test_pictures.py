"""The page over three real nights, with pictures of it for the docs; made by `make pictures`."""

import os
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser

from nightschool.experiments.plan import Arm, Plan
from nightschool.experiments.store import Experiments
from nightschool.settings import Settings
from nightschool.storage.database import open_database
from nightschool.storage.keys import Keys
from serving.app import with_middleware
from serving.security import COOKIE
from serving.service import Service
from tests.cli.conftest import spawn
from tests.serving.page.browser import DESK, PHONE, Watched, chromium, watching
from tests.serving.server import served

NIGHT = ('models=["popularity", "ease", "content"]', "k=50", "alpha_steps=5", "min_users=20", "window_days=60")
LEARNER = 14
PLAN = Plan(
    name="more content",
    arms=(Arm(name="as published", share=0.5), Arm(name="content first", share=0.5, alpha=0.3)),
    explore=0.05,
)


def test_pictures_are_taken_of_real_nights(tmp_path: Path) -> None:
    if os.environ.get("SCREENSHOTS") != "1":
        pytest.skip("pictures are taken by `make pictures`")
    home = tmp_path / "nights"
    make_nights(home, tmp_path / "source")
    with chromium() as browser:
        take_pictures(browser, home)


def make_nights(home: Path, source: Path) -> None:
    """Three nights of a simulated platform, some of whose rows are spoilt."""
    size = ("--users", 800, "--items", 200, "--interactions", 24_000, "--damage", 0.003)
    assert spawn("simulate", "--out", source, *size).code == 0
    told = [part for assignment in NIGHT for part in ("--set", assignment)]
    for day in (20, 24, 28):
        as_of = ("--as-of", f"2025-06-{day}T02:00:00Z")
        night = spawn(
            *("--home", home, "retrain", "--dataset", "learning", "--source-root", source, "--json", *as_of, *told),
            PREFECT_HOME=str(home / "prefect"),
        )
        assert night.code == 0, night.err


def take_pictures(browser: Browser, home: Path) -> None:
    """Pictures of each view, once an experiment has shown something and a learner has done something."""
    settings = Settings(home=home)
    Experiments(open_database(settings.events_address)).start(PLAN)
    service = Service(settings)
    with served(with_middleware(service)) as address:
        for user in range(1, 200):
            httpx.get(f"{address}/v1/users/{user}/recommendations")
        with watching(browser, address, viewport={**DESK, "height": 900}) as watched:
            look_at_learner(watched)
            look_at_operator(watched)
        with watching(browser, address, viewport={**PHONE, "width": 390, "height": 844}) as phone:
            phone.open(f"/learner/{LEARNER}")
            phone.shoot("learner-phone")
            require_good(phone)
        key = Keys(open_database(settings.events_address)).add("own", "events", user_id=str(LEARNER))
        service.refresh()
        with watching(browser, address, viewport={**DESK, "height": 900}) as watched:
            look_at_own(watched, key)


def look_at_learner(watched: Watched) -> None:
    watched.open(f"/learner/{LEARNER}")
    watched.page.get_by_role("button", name="Like").first.click()
    watched.page.locator("#past .badge").wait_for()
    watched.page.locator("#list:not(.htmx-swapping)").wait_for()
    watched.page.mouse.move(0, 0)
    watched.page.wait_for_timeout(500)
    watched.shoot("learner")
    require_good(watched)
    watched.open(f"/compare/{LEARNER}?left_alpha=0.9&right_alpha=0.2&right_diversity=0.3")
    watched.shoot("compare")
    require_good(watched)


def look_at_own(watched: Watched, key: str) -> None:
    """The pages of a key for one user."""
    watched.page.context.add_cookies([{"name": COOKIE, "value": key, "url": watched.address}])
    watched.open("/me")
    goal = watched.page.locator("#skills option").last.get_attribute("value")
    watched.page.get_by_label("Goal: ").fill(str(goal))
    watched.page.get_by_role("button", name="Plan").click()
    watched.page.locator("#path-said").wait_for()
    watched.page.evaluate("document.getAnimations().forEach(each => each.finish())")
    watched.page.mouse.move(0, 0)
    watched.shoot("own")
    require_good(watched)
    watched.open("/catalogue?sort=trending")
    watched.shoot("catalogue")
    require_good(watched)


def look_at_operator(watched: Watched) -> None:
    watched.open("/operator")
    watched.shoot("operator", whole=True)
    require_good(watched)
    newest = watched.page.locator("#right option").all_inner_texts()
    watched.open(f"/operator/diff?left={newest[-1]}&right={newest[0]}")
    watched.shoot("diff", whole=True)
    require_good(watched)


def require_good(watched: Watched) -> None:
    """Asserts what holds of every view."""
    watched.require_accessible()
    watched.require_no_sideways_scroll()
    watched.require_quiet()
