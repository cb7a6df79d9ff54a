"""The deployed flows on a real Prefect server and worker, started and stopped as `make up` does it."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

import httpx
import polars as pl
import psutil
import pytest
import yaml
from prefect.flows import load_flow_from_entrypoint
from prefect.settings import PREFECT_API_URL, temporary_settings

from nightschool.cli.automations import NAME, watch_for_nights
from nightschool.data.simulator.config import SimulatorConfig
from nightschool.data.simulator.simulate import simulate
from tests.tasks.hooks import Hook, hook

ROOT = Path(__file__).parents[2]
ENDED = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}
SECONDS = 240.0
SMALL_NIGHT = {"models": ["popularity", "ease", "content"], "k": 10, "alpha_steps": 2, "min_users": 20}

pytestmark = pytest.mark.server
Found = TypeVar("Found")


def until(find: Callable[[], Found | None], what: str) -> Found:
    """The first thing found that is not nothing."""
    deadline = time.monotonic() + SECONDS
    while not (found := find()):
        assert time.monotonic() < deadline, f"waited {SECONDS:.0f} seconds in vain for {what}"
        time.sleep(0.2)
    return found


@dataclass(frozen=True)
class Servers:
    """What `nightschool up` started."""

    process: subprocess.Popen[bytes]
    output: Path
    home: Path
    prefect: httpx.Client
    mlflow: httpx.Client

    def deployment(self, name: str) -> dict[str, Any]:
        return answer(self.prefect.get(f"/deployments/name/{name}"))

    def filter(self, what: str, **conditions: Any) -> list[dict[str, Any]]:
        return answer(self.prefect.post(f"/{what}/filter", json=conditions))

    def start(self, deployment: str, source: Path, home: Path) -> str:
        """The id of a flow run that the worker will run on these source files in this home."""
        parameters = {"dataset": "learning", "source_root": str(source), "config": SMALL_NIGHT}
        request = {"parameters": parameters, "job_variables": {"env": {"NIGHTSCHOOL_HOME": str(home)}}}
        path = f"/deployments/{self.deployment(deployment)['id']}/create_flow_run"
        return answer(self.prefect.post(path, json=request))["id"]

    def final_state(self, run_id: str) -> dict[str, Any]:
        def ended() -> dict[str, Any] | None:
            state = answer(self.prefect.get(f"/flow_runs/{run_id}"))["state"]
            return state if state["type"] in ENDED else None

        return until(ended, "the flow run to end")


def answer(response: httpx.Response) -> Any:
    return response.raise_for_status().json()


def free_ports(n: int) -> list[int]:
    with ExitStack() as held:
        listeners = [held.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(n)]
        return [listener.getsockname()[1] for listener in listeners]


@pytest.fixture(scope="module")
def told() -> Iterator[Hook]:
    """Where the servers and the nights send word to."""
    with hook() as found:
        yield found


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory, told: Hook) -> Iterator[Servers]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    environment["NIGHTSCHOOL_NOTIFY"] = told.address
    folder = tmp_path_factory.mktemp("servers")
    home, output = folder / "home", folder / "output.txt"
    port, mlflow_port, page_port = free_ports(3)
    command = [sys.executable, "-c", "from nightschool.cli import main; main()", "--home", str(home)]
    with output.open("wb") as out:
        # Another working directory than the repository's: the flows must not need it.
        process = subprocess.Popen(
            [
                *command,
                "up",
                *("--port", str(port)),
                *("--mlflow-port", str(mlflow_port)),
                "--page-port",
                str(page_port),
            ],
            cwd=folder,
            env=environment,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    try:
        until(lambda: process.poll() is not None or "Ctrl-C" in output.read_text(), "`nightschool up`")
        assert process.poll() is None, output.read_text()
        with (
            httpx.Client(base_url=f"http://127.0.0.1:{port}/api", timeout=30) as prefect,
            httpx.Client(base_url=f"http://127.0.0.1:{mlflow_port}/api/2.0/mlflow", timeout=30) as mlflow,
        ):
            yield Servers(process, output, home, prefect, mlflow)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            process.wait(SECONDS)


@dataclass(frozen=True)
class Runs:
    """Ids of two flow runs that go on at the same time."""

    good: str
    bad: str


@pytest.fixture(scope="module")
def runs(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Runs:
    source, bad = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("bad")
    simulate(SimulatorConfig(users=300, items=120, interactions=6_000), source)
    shutil.copytree(source, bad, dirs_exist_ok=True)
    engagements = pl.read_csv(bad / "engagements.csv")
    engagements.rename({"user_id": "learner"}).write_csv(bad / "engagements.csv")
    return Runs(
        good=servers.start("retrain/retrain", source, servers.home),
        bad=servers.start("retrain/nightly", bad, tmp_path_factory.mktemp("other") / "home"),
    )


def test_every_flow_of_prefect_yaml_is_deployed(servers: Servers) -> None:
    wanted = {entry["name"]: entry["entrypoint"] for entry in deployments()}
    found = servers.filter("deployments")
    assert {entry["name"]: entry["entrypoint"] for entry in found} == wanted
    assert set(wanted) == {"nightly", "retrain", "backfill", "rollback"}
    working_directory = {"prefect.deployments.steps.set_working_directory": {"directory": str(ROOT)}}
    for entry in found:
        assert entry["pull_steps"] == [working_directory]
        assert entry["work_pool_name"] == "local"
        assert entry["global_concurrency_limit"]["limit"] == 1


def test_the_form_of_retrain_is_typed_and_described(servers: Servers) -> None:
    schema = servers.deployment("retrain/retrain")["parameter_openapi_schema"]
    assert set(schema["properties"]) >= {
        "dataset",
        "source_root",
        "as_of",
        "config",
        "force",
        "dry_run",
        "make_current",
    }
    assert all(entry["description"] for entry in schema["properties"].values())
    assert all(entry["description"] for entry in schema["definitions"]["NightConfig"]["properties"].values())


def test_the_form_of_backfill_asks_for_its_days(servers: Servers) -> None:
    schema = servers.deployment("backfill/backfill")["parameter_openapi_schema"]
    assert schema["required"] == ["first", "last"]
    assert {schema["properties"][name]["format"] for name in ("first", "last")} == {"date"}
    assert all(entry["description"] for entry in schema["properties"].values())


def test_nightly_has_scheduled_runs(servers: Servers) -> None:
    nightly = {"id": {"any_": [servers.deployment("retrain/nightly")["id"]]}}
    scheduled = {"state": {"type": {"any_": ["SCHEDULED"]}}}
    runs = until(lambda: servers.filter("flow_runs", deployments=nightly, flow_runs=scheduled), "scheduled runs")
    assert all(run["auto_scheduled"] for run in runs)
    starts = sorted(datetime.fromisoformat(run["expected_start_time"]) for run in runs)
    assert {(start.hour, start.minute) for start in starts} == {(2, 0)}
    assert starts[0] > datetime.now(UTC)
    assert {(after - before).days for before, after in pairwise(starts)} == {1}


def test_a_run_with_parameters_completes_and_leaves_its_artifacts(servers: Servers, runs: Runs) -> None:
    state = servers.final_state(runs.good)
    assert state["name"] == "Completed", state["message"]
    left = servers.filter("artifacts", flow_runs={"id": {"any_": [runs.good]}})
    artifacts = {entry["key"]: entry for entry in left}
    kinds = {key: entry["type"] for key, entry in artifacts.items()}
    tables = dict.fromkeys(("candidates", "alpha-sweep", "gates"), "table")
    assert kinds == {**dict.fromkeys(("night", "release", "mlflow"), "markdown"), **tables}
    assert all(model in artifacts["candidates"]["data"] for model in SMALL_NIGHT["models"])
    assert champion(servers.mlflow) in artifacts["night"]["data"]


def test_the_pages_of_a_run_show_our_log(servers: Servers, runs: Runs) -> None:
    servers.final_state(runs.good)
    lines = servers.filter("logs", logs={"flow_run_id": {"any_": [runs.good]}})
    assert any(line["name"] == "nightschool.tasks" and line["message"].startswith("select: ") for line in lines)


def test_a_run_on_bad_data_ends_with_our_message_and_sends_word(servers: Servers, runs: Runs, told: Hook) -> None:
    state = servers.final_state(runs.bad)
    assert (state["type"], state["name"]) == ("FAILED", "Data refused")
    assert "user_id" in state["message"]
    assert "Traceback" not in state["message"]
    until(lambda: "Nightschool learning: data refused" in told.titles, "word of the refusal")
    lines = servers.filter("logs", logs={"flow_run_id": {"any_": [runs.bad]}})
    assert not [line for line in lines if "secret" in line["message"]]


def test_the_server_sends_word_when_no_night_ends(servers: Servers, told: Hook) -> None:
    (automation,) = servers.filter("automations")
    assert (automation["name"], automation["trigger"]["within"]) == (NAME, 26 * 3600)
    with temporary_settings({PREFECT_API_URL: str(servers.prefect.base_url).rstrip("/")}):
        assert watch_for_nights(told.address, timedelta(seconds=10)) == automation["id"]
    until(lambda: "Nightschool: no night" in told.titles, "word of the night that never ended")


def test_ctrl_c_ends_everything(servers: Servers) -> None:
    family = psutil.Process(servers.process.pid).children(recursive=True)
    assert len(family) >= 3
    servers.process.send_signal(signal.SIGINT)
    assert servers.process.wait(60) == 0, servers.output.read_text()
    assert not [process for process in family if process.is_running()]


def champion(mlflow: httpx.Client) -> str:
    """The release whose model the MLflow server calls champion."""
    alias = {"name": "nightschool", "alias": "champion"}
    version = answer(mlflow.get("/registered-models/alias", params=alias))["model_version"]
    return next(tag["value"] for tag in version["tags"] if tag["key"] == "release_id")


def deployments() -> list[dict[str, Any]]:
    return yaml.safe_load((ROOT / "prefect.yaml").read_text(encoding="utf-8"))["deployments"]


@pytest.mark.parametrize("entrypoint", sorted({entry["entrypoint"] for entry in deployments()}))
def test_an_entrypoint_loads_without_the_placeholder(entrypoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """By default Prefect deploys a stub when a flow's imports fail."""
    monkeypatch.chdir(ROOT)
    flow = load_flow_from_entrypoint(entrypoint, use_placeholder_flow=False)
    assert entrypoint == f"flows/{flow.name}.py:{flow.name}"
