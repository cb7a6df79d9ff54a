from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa

from nightschool.experiments.store import Experiments, Exposure, Shown
from nightschool.settings import Settings
from nightschool.storage.database import open_database, writing
from nightschool.storage.events import EventStore, Sent
from nightschool.storage.tables import EXPERIMENTS
from tests.serving.client import Api
from tests.serving.fakes import FakeService
from tests.serving.page.apps import page_over
from tests.serving.page.operators import noted
from tests.serving.server import client_of

PLAN = """name = "more <content>"
[[arms]]
name = "as published"
share = 0.5
[[arms]]
name = "other"
share = 0.5
alpha = 0.3
"""


@pytest.fixture
def engine(tmp_path: Path) -> sa.Engine:
    return open_database(Settings(home=tmp_path).events_address)


@pytest.fixture
def experiments(engine: sa.Engine) -> Experiments:
    return Experiments(engine)


@pytest.fixture
def client(tmp_path: Path) -> Iterator[httpx.Client]:
    with client_of(page_over(FakeService(), tmp_path, {"ops": "operate", "reader": "read"})) as client:
        client.headers["authorization"] = "Bearer ops"
        yield client


def test_an_experiment_is_started_and_stopped(client: httpx.Client, experiments: Experiments, tmp_path: Path) -> None:
    assert "None yet." in client.get("/operator/experiments").text
    done = client.post("/operator/experiments", data={"plan": PLAN.replace("\n", "\r\n")})
    assert (done.status_code, done.headers["location"]) == (303, "/operator/experiments?just=started")
    (started,) = experiments.all()
    assert (started.name, started.arms[1].alpha) == ("more <content>", 0.3)
    assert "<bdi>more &lt;content&gt;</bdi>" in client.get("/operator/experiments").text
    named = {"name": "more <content>"}
    assert "Stop this experiment?" in client.get("/operator/experiments/stop", params=named).text
    refused = client.post("/operator/experiments/stop", data={**named, "reason": " "})
    assert (refused.status_code, "needs a reason" in refused.text) == (422, True)
    assert client.post("/operator/experiments/stop", data={**named, "reason": "enough"}).status_code == 303
    assert experiments.get("more <content>").reason == "enough"
    assert client.get("/operator/experiments/stop", params=named).status_code == 404
    assert client.post("/operator/experiments/stop", data={**named, "reason": "x"}).status_code == 404
    assert [action for _, action, _ in noted(tmp_path)] == ["experiment_started", "experiment_stopped"]


@pytest.mark.parametrize(
    ("plan", "told"),
    [
        ("name = ", "not valid TOML"),
        ('name = "x"\n', "arms"),
        (PLAN.replace("0.5", "0.6"), "the shares of all arms must sum to 1"),
        (f"{PLAN}[arms.rules]\nnothing = 1\n", "rule nothing"),
    ],
)
def test_a_plan_that_is_none_comes_back_with_what_is_wrong(
    client: httpx.Client, experiments: Experiments, plan: str, told: str
) -> None:
    answer = client.post("/operator/experiments", data={"plan": plan})
    page = unescape(answer.text)
    assert (answer.status_code, told in page, plan.strip() in page) == (422, True, True)
    assert experiments.all() == ()


def test_who_reads_sees_and_starts_none(client: httpx.Client, experiments: Experiments) -> None:
    headers = {"authorization": "Bearer reader"}
    assert "<textarea" not in client.get("/operator/experiments", headers=headers).text
    assert client.post("/operator/experiments", data={"plan": PLAN}, headers=headers).status_code == 403
    assert experiments.all() == ()


def test_the_course_of_the_difference_is_drawn(
    client: httpx.Client, experiments: Experiments, engine: sa.Engine
) -> None:
    assert client.post("/operator/experiments", data={"plan": PLAN}).status_code == 303
    began = datetime.now(UTC) - timedelta(days=9)
    with writing(engine) as connection:
        connection.execute(sa.update(EXPERIMENTS).values(started_at=began))
    shown, sent = [], []
    for user in range(1_600):
        at, arm = began + timedelta(minutes=user), ("as published", "other")[user % 2]
        shown.append(Exposure("more <content>", str(user), arm, "r", at, [Shown("1", 1.0)]))
        if user % 4 == 0 or user % 2:
            sent.append(Sent(f"e{user}", str(user), "1", "like", at + timedelta(hours=1)))
    experiments.log_exposures(shown)
    EventStore(engine).append(sent)
    page = client.get("/operator/experiments").text
    assert page.count('<figure class="chart">') == 1
    assert "other: conversion less that of as published" in page
    assert page.count("<circle") > 10
    assert '<th scope="col">Settled until</th>' in page


def test_a_filter_that_does_not_fit_the_release_is_refused(writing: Api) -> None:
    plan = PLAN.replace("alpha = 0.3", "rules = { filter = 'nowhere < 3' }")
    answer = writing.request("POST", "/operator/experiments", data={"plan": plan})
    assert (answer.status_code, "there is no such item column" in answer.text) == (422, True)
    assert "None yet." in writing.get("/operator/experiments").text
