"""Both dashboards in a browser, from the addresses that `nightschool up` prints; made by `make pictures`."""

import os
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from nightschool.simulator.config import SimulatorConfig
from nightschool.simulator.simulate import simulate
from tests.flows.servers import Servers, running
from tests.serving.page.browser import Watched, chromium, watching

NIGHT = {"models": ["popularity", "ials", "content"], "min_users": 20, "window_days": 60}
WINDOW = {"width": 1280, "height": 900}


def test_the_best_alpha_is_read_after_one_click_and_a_night_is_started_from_a_form(tmp_path: Path) -> None:
    if os.environ.get("SCREENSHOTS") != "1":
        pytest.skip("pictures are taken by `make pictures`")
    simulate(SimulatorConfig(users=800, items=200, interactions=24_000), tmp_path / "source")
    with running(tmp_path, {}) as servers, chromium() as browser:
        bound = {"dataset": "learning", "source_root": str(tmp_path / "source"), "config": NIGHT}
        for day in (20, 27):
            run_id = servers.start("retrain/retrain", servers.home, {**bound, "as_of": f"2025-06-{day}T02:00:00Z"})
            assert servers.final_state(run_id)["name"] == "Completed"
        with watching(browser, "", viewport=WINDOW) as watched:
            look_at_mlflow(watched, address_of(servers, "nights in MLflow"))
            look_at_prefect(watched, servers, run_id)


def address_of(servers: Servers, what: str) -> str:
    """The address that `up` prints behind some words."""
    found = re.search(rf"{what}.*?(http\S+)", servers.output.read_text())
    assert found is not None
    return found[1]


def look_at_mlflow(watched: Watched, address: str) -> None:
    page = watched.page
    page.goto(address)
    night = page.get_by_role("link", name=re.compile(r"^\d{4}-\d\d-\d\d-[0-9a-f]{8}$")).first
    night.wait_for()
    close_assistant(page)
    watched.shoot("mlflow-nights")
    night.click()
    expect(page.get_by_text(re.compile(r"α = [\d.]+ is best on validation"))).to_be_visible()
    page.get_by_text("Show more").click()
    page.locator("img[src*='path=alpha.png']").scroll_into_view_if_needed()
    page.wait_for_timeout(1_000)
    watched.shoot("mlflow-alpha")
    page.get_by_role("tab", name="Model metrics").click()
    page.get_by_text("alpha/ndcg_at_10").first.wait_for()
    page.wait_for_timeout(2_000)
    watched.shoot("mlflow-curve")


def close_assistant(page: Page) -> None:
    """Close the panel that MLflow opens at the side on a first visit."""
    close = page.get_by_role("button", name="Close")
    if close.count():
        close.first.click()
        page.wait_for_timeout(500)


def look_at_prefect(watched: Watched, servers: Servers, run_id: str) -> None:
    page, address = watched.page, str(servers.prefect.base_url).partition("/api")[0]
    (summary,) = servers.filter("artifacts", artifacts={"flow_run_id": {"any_": [run_id]}, "key": {"any_": ["night"]}})
    page.goto(f"{address}/artifacts/artifact/{summary['id']}")
    page.get_by_role("img", name="Quality over α").wait_for()
    watched.shoot("prefect-night")
    page.set_viewport_size({**WINDOW, "height": 1_500})
    for name, field in (("retrain/retrain", "Search (minutes on two cores)"), ("rollback/rollback", "of this home")):
        page.goto(f"{address}/deployments/deployment/{servers.deployment(name)['id']}/run")
        page.get_by_text(field).first.wait_for()
        page.wait_for_timeout(1_500)
        watched.shoot(f"prefect-{name.partition('/')[0]}")
