"""Runs that a schedule starts by itself: they complete, publish, and their T is the start that was scheduled."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from nightschool.application.bind_home import bind_home
from nightschool.application.sources import ingest_sources
from nightschool.columns import INTERACTIONS, RELEASES, SOURCE_FILE
from nightschool.storage.lake import Lake
from tests.flows.servers import ENDED, SMALL_NIGHT, Servers, answer, until

pytestmark = pytest.mark.server

MANIFEST = """
name = "scheduled"
score = "events"

[interactions]
files = ["events/"]
user = "user"
item = "item"
timestamp = { column = "at", unit = "iso" }
event = "event"
"""
INTERVAL = timedelta(days=1)
LEAD = timedelta(seconds=12)
"""A schedule's first start comes so long after it is made: the server looks for new schedules every five seconds."""
N_RUNS = 2
N_NEW = 40


def write_events(file: Path, seed: int, n: int, days: int) -> None:
    """Write n events of 60 users and 30 items, the last days before now."""
    rng, now = random.Random(seed), datetime.now(UTC).replace(microsecond=0)
    frame = pl.DataFrame(
        {
            "user": [f"u{rng.randrange(60)}" for _ in range(n)],
            "item": [f"i{int(30 * rng.random() ** 2)}" for _ in range(n)],
            "at": [(now - timedelta(seconds=rng.randrange(5, days * 86_400))).isoformat() for _ in range(n)],
            "event": "complete",
        }
    )
    frame.unique(["user", "item", "at"]).write_csv(file)


@contextmanager
def scheduled(servers: Servers, name: str, home: Path, parameters: dict[str, Any], start: datetime) -> Iterator[str]:
    """In the block, a deployment has one more schedule, of `INTERVAL` from the start on, and runs in the home."""
    deployment = servers.deployment(name)
    path = f"/deployments/{deployment['id']}"
    environment = deployment["job_variables"].get("env", {})
    job_variables = deployment["job_variables"] | {"env": environment | {"NIGHTSCHOOL_HOME": str(home)}}
    schedule = {"interval": INTERVAL.total_seconds(), "anchor_date": start.isoformat()}
    try:
        answer(servers.prefect.patch(path, json={"job_variables": job_variables}))
        request = [{"schedule": schedule, "active": True, "parameters": parameters}]
        added = answer(servers.prefect.post(f"{path}/schedules", json=request))
        try:
            yield deployment["id"]
        finally:
            answer(servers.prefect.delete(f"{path}/schedules/{added[0]['id']}"))
    finally:
        answer(servers.prefect.patch(path, json={"job_variables": deployment["job_variables"]}))


def run_of(servers: Servers, deployment: str, start: datetime) -> dict[str, Any] | None:
    """Return the run that the schedule made for a start; None while there is none."""
    conditions = {
        "deployment_id": {"any_": [deployment]},
        "expected_start_time": {"after_": start.isoformat(), "before_": start.isoformat()},
    }
    found = servers.filter("flow_runs", flow_runs=conditions)
    return found[0] if found else None


def ended_run(servers: Servers, deployment: str, start: datetime) -> dict[str, Any]:
    """Wait for the run of a start to end and return it."""

    def ended() -> dict[str, Any] | None:
        run = run_of(servers, deployment, start)
        return run if run and run["state"]["type"] in ENDED else None

    return until(ended, f"the end of the run scheduled for {start}")


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    path = tmp_path / "scheduled.toml"
    path.write_text(MANIFEST, encoding="utf-8")
    return path


@pytest.fixture
def events(tmp_path: Path, home: Path, manifest: Path) -> Path:
    """The landing folder of a home that has taken in what lies there."""
    folder = tmp_path / "source" / "events"
    folder.mkdir(parents=True)
    write_events(folder / "history.csv", seed=0, n=1_500, days=90)
    report = ingest_sources(bind_home(str(manifest), folder.parent), None)
    assert report.tables["interactions"].accepted > 1_400
    assert home.is_dir()
    return folder


def test_runs_fired_by_a_schedule_publish_at_their_scheduled_start(servers: Servers, home: Path, events: Path) -> None:
    starts, runs = [], []
    for number in range(N_RUNS):
        write_events(events / f"new-{number}.csv", seed=number + 1, n=N_NEW, days=1)
        planned = (datetime.now(UTC) + LEAD).replace(microsecond=0)
        with scheduled(servers, "retrain/nightly", home, {"config": SMALL_NIGHT}, planned) as deployment:
            runs.append(ended_run(servers, deployment, planned))
        starts.append(planned)

    for run in runs:
        assert run["auto_scheduled"]
        assert run["state"]["type"] == "COMPLETED", run["state"]["message"]
    lake = Lake(home / "lake", pl.String(), pl.String())
    releases = lake.scan(RELEASES).sort("commit_version").collect()
    assert releases.filter(status="published")["as_of"].to_list() == starts
    taken = lake.scan(INTERACTIONS).group_by(SOURCE_FILE).len().collect()
    assert set(taken[SOURCE_FILE]) == {f"events/{name}.csv" for name in ("history", "new-0", "new-1")}


def test_the_schedule_of_the_test_is_gone_and_the_nightly_one_stays(servers: Servers) -> None:
    (schedule,) = servers.deployment("retrain/nightly")["schedules"]
    assert schedule["schedule"]["cron"] == "0 2 * * *"
