import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path

import httpx
import pytest

from nightschool.experiments.plan import Arm, Plan
from nightschool.experiments.store import Experiments
from nightschool.settings import HomePaths, Settings
from nightschool.storage.database import open_database
from nightschool.storage.lake import Lake
from nightschool.storage.nights import NightRow, Nights
from nightschool.storage.releases import Releases
from tests.serving.fakes import FakeService
from tests.serving.nights import FIRST, ODD, SECOND, THIRD, backfill, make_nights
from tests.serving.page.apps import page_over
from tests.serving.server import client_of


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return make_nights(tmp_path / "nights")


@pytest.fixture
def client(lake: Lake) -> Iterator[httpx.Client]:
    with client_of(page_over(FakeService(), lake.root.parent)) as client:
        yield client


def test_the_page_tells_where_the_installation_stands(client: httpx.Client) -> None:
    page = unescape(client.get("/operator").text)
    assert f"<code>{THIRD}</code>" in page
    assert "night 2 of <three>" in page
    assert "lower bound > 0" in page
    assert ODD in page
    assert "bad user" in page
    for address in ("http://127.0.0.1:4200", "http://127.0.0.1:5000"):
        assert f'href="{address}"' in page
    assert 'href="/docs"' in page


def test_figures_outside_of_their_limits_and_segments_served_otherwise_are_shown(client: httpx.Client) -> None:
    page = unescape(client.get("/operator").text)
    assert '<th scope="row">gini@10 of the lists</th>' in page
    assert "0 to 0.7</td>" in page
    assert '<span class="no">3</span>' in page
    assert '<th scope="row">audience:<new></th>' in page
    assert "-0.0300 to -0.0100" in page


def test_what_comes_from_data_is_escaped(client: httpx.Client) -> None:
    for address in ("/operator", f"/operator/diff?left={FIRST}&right={THIRD}"):
        page = client.get(address).text
        assert "<three>" not in page
        assert "<new>" not in page
        assert "<b>" not in page


def test_metrics_are_drawn_with_intervals_and_told_as_figures(client: httpx.Client) -> None:
    page = client.get("/operator").text
    assert page.count('<figure class="chart">') == 3
    assert f"<title>champion, {THIRD}: 0.1900 [0.1800, 0.2000]</title>" in page
    assert "style=" not in page


def test_every_published_release_but_the_current_one_can_come_back(client: httpx.Client) -> None:
    page = client.get("/operator").text
    assert re.findall(r'aria-label="Roll back to ([^"]+)"', page) == [SECOND, FIRST]


def test_a_rollback_is_confirmed_with_a_reason(client: httpx.Client, lake: Lake) -> None:
    assert FIRST in client.get("/operator/rollback", params={"release_id": FIRST}).text
    refused = client.post("/operator/rollback", data={"release_id": FIRST, "reason": "  "})
    assert refused.status_code == 422
    assert "a rollback needs a reason" in refused.text
    done = client.post("/operator/rollback", data={"release_id": FIRST, "reason": "worse", "hold": "true"})
    assert (done.status_code, done.headers["location"]) == (303, f"/operator?just={FIRST}")
    current = Releases(lake).current()
    assert current is not None
    assert (current.release_id, current.reason, Releases(lake).held()) == (FIRST, "worse", "worse")
    after = client.get(done.headers["location"]).text
    assert "is current now" in after
    assert "Publishing is on hold" in after


@pytest.mark.parametrize("release_id", ["nothing", "../x", "a" * 64])
def test_what_is_no_release_gets_a_page_that_says_so(client: httpx.Client, release_id: str) -> None:
    for answer in (
        client.get("/operator/rollback", params={"release_id": release_id}),
        client.post("/operator/rollback", data={"release_id": release_id, "reason": "x"}),
        client.get("/operator/diff", params={"left": release_id, "right": THIRD}),
    ):
        assert answer.status_code == 404
        assert "no such release" in answer.text


def test_two_releases_stand_side_by_side(client: httpx.Client) -> None:
    page = unescape(client.get("/operator/diff", params={"left": SECOND, "right": THIRD}).text)
    assert "50.0 %" in page
    assert ODD in page
    assert "0 → 1 lists" in page
    assert "champion: ndcg@10" in page


def test_one_learners_list_is_explained_on_request(client: httpx.Client) -> None:
    asked = {"left": SECOND, "right": THIRD, "user": "2"}
    page = unescape(client.get("/operator/diff", params=asked).text)
    assert "The learner did nothing in between." in page
    assert "new among the first ten" in page
    assert client.get("/operator/diff", params={**asked, "user": "nobody"}).status_code == 404


def test_a_home_without_a_release_has_a_page(tmp_path: Path, lake: Lake) -> None:
    for table in ("releases", "metrics", "recommendations", "quarantine"):
        (lake.root / table).rename(tmp_path / table)
    with client_of(page_over(FakeService(), lake.root.parent)) as client:
        page = client.get("/operator")
    assert page.status_code == 200
    assert "None yet" in page.text
    assert "No night has ended yet" in page.text
    assert "Nothing was put aside" in page.text


def test_a_home_without_data_has_a_page_that_says_so(tmp_path: Path) -> None:
    with client_of(page_over(FakeService(), tmp_path / "nothing")) as client:
        answer = client.get("/operator")
    assert answer.status_code == 404
    assert "holds no dataset yet" in answer.text


def test_many_releases_are_shown_a_few_at_a_time(client: httpx.Client, lake: Lake) -> None:
    releases = Releases(lake)
    for number in range(25):
        releases.abandon(release_id=f"r{number}", run_key=f"r{number}", as_of=releases.history()[0].as_of, reason="")
    assert "Show 8 older" in client.get("/operator").text
    assert client.get("/operator?releases=all").text.count("abandoned") == 25


def test_a_backfilled_release_is_listed_and_can_be_gone_back_to(client: httpx.Client, lake: Lake) -> None:
    backfilled = backfill(lake, "2026-11-25-dddddddd")
    page = client.get("/operator").text
    assert ">backfilled</td>" in page
    assert f'aria-label="Roll back to {backfilled}"' in page
    assert backfilled in client.get("/operator/rollback", params={"release_id": backfilled}).text


def test_nights_are_told_with_those_that_failed_or_never_began(client: httpx.Client, lake: Lake) -> None:
    assert "None yet: <code>nightschool retrain</code>" in client.get("/operator").text
    now = datetime.now(UTC)
    nights = Nights.of(HomePaths(lake.root.parent))
    for hours, outcome, code in ((73, "published", 0), (1, "data refused", 3)):
        at = now - timedelta(hours=hours)
        about = {
            "outcome": outcome,
            "exit_code": code,
            "reason": "<i>why</i>",
            "release_id": THIRD if code == 0 else "",
        }
        row = {"night_id": outcome, "started_at": at, "ended_at": at + timedelta(seconds=75), "scheduled_for": at}
        nights.append(NightRow.model_validate({**row, **about}))
    page = client.get("/operator").text
    section = page[page.index('id="tries-title"') : page.index('id="gates-title"')]
    assert re.findall(r'<span class="(yes|no)">([^<]+)', section) == [
        ("no", "data refused"),
        ("no", "missed"),
        ("no", "missed"),
        ("yes", "published"),
    ]
    assert "75 s" in section
    assert f"<code>{THIRD}</code>" in section
    assert "<bdi>&lt;i&gt;why&lt;/i&gt;</bdi>" in section
    assert f'<tr id="release-{THIRD}">' in page


def test_each_experiment_tells_whom_it_is_tried_on_and_what_decides(client: httpx.Client, lake: Lake) -> None:
    settings = Settings(home=lake.root.parent)
    experiments = Experiments(open_database(settings.events_address))
    arms = (Arm(name="as it is", share=0.5), Arm(name="<b>", share=0.5, alpha=0.3))
    experiments.start(Plan(name="half", arms=arms, share=0.5, metric="minutes", scenarios=("home", "")))
    experiments.start(Plan(name="other half", arms=arms, share=0.5))
    page = unescape(client.get("/operator").text)
    for told in ("half", "other half", "minutes decides", "50 % of the users in the layer", "lists without a scenario"):
        assert told in page
    assert "<bdi><b></bdi>" in page
    assert "&lt;b&gt;" in client.get("/operator").text
