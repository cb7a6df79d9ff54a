"""The deployed flows on a real Prefect server and worker, started and stopped as `make up` does it."""

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

import httpx
import polars as pl
import psutil
import pytest
import yaml

from nightschool.data.simulator.config import SimulatorConfig
from nightschool.data.simulator.simulate import simulate

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

    def run(self, deployment: str, parameters: dict[str, Any], home: Path) -> dict[str, Any]:
        """A flow run that the worker ran to its end in this home."""
        request = {"parameters": parameters, "job_variables": {"env": {"NIGHTSCHOOL_HOME": str(home)}}}
        path = f"/deployments/{self.deployment(deployment)['id']}/create_flow_run"
        run_id = answer(self.prefect.post(path, json=request))["id"]
        return until(lambda: self._ended(run_id), f"{deployment} to end")

    def _ended(self, run_id: str) -> dict[str, Any] | None:
        run = answer(self.prefect.get(f"/flow_runs/{run_id}"))
        return run if run["state"]["type"] in ENDED else None


def answer(response: httpx.Response) -> Any:
    return response.raise_for_status().json()


def free_ports() -> tuple[int, int]:
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as other:
        return one.getsockname()[1], other.getsockname()[1]


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    folder = tmp_path_factory.mktemp("servers")
    home, output = folder / "home", folder / "output.txt"
    port, mlflow_port = free_ports()
    command = [sys.executable, "-c", "from nightschool.cli import main; main()", "--home", str(home)]
    with output.open("wb") as out:
        # Another working directory than the repository's: the flows must not need it.
        process = subprocess.Popen(
            [*command, "up", "--port", str(port), "--mlflow-port", str(mlflow_port)],
            cwd=folder,
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


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("source")
    simulate(SimulatorConfig(users=300, items=120, interactions=6_000), folder)
    return folder


def test_every_flow_of_prefect_yaml_is_deployed(servers: Servers) -> None:
    wanted = {entry["name"]: entry["entrypoint"] for entry in deployments()}
    found = servers.filter("deployments")
    assert {entry["name"]: entry["entrypoint"] for entry in found} == wanted
    assert set(wanted) == {"nightly", "retrain", "rollback"}
    working_directory = {"prefect.deployments.steps.set_working_directory": {"directory": str(ROOT)}}
    for entry in found:
        assert entry["pull_steps"] == [working_directory]
        assert entry["work_pool_name"] == "local"
        assert entry["global_concurrency_limit"]["limit"] == 1


def test_the_form_of_retrain_is_typed_and_described(servers: Servers) -> None:
    schema = servers.deployment("retrain/retrain")["parameter_openapi_schema"]
    assert set(schema["properties"]) >= {"dataset", "source_root", "as_of", "config", "force", "dry_run"}
    assert all(entry["description"] for entry in schema["properties"].values())
    assert all(entry["description"] for entry in schema["definitions"]["NightConfig"]["properties"].values())


def test_nightly_has_scheduled_runs(servers: Servers) -> None:
    nightly = servers.deployment("retrain/nightly")
    runs = until(lambda: servers.filter("flow_runs", deployments={"id": {"any_": [nightly["id"]]}}), "scheduled runs")
    assert all(run["auto_scheduled"] for run in runs)
    starts = sorted(datetime.fromisoformat(run["expected_start_time"]) for run in runs)
    assert {(start.hour, start.minute) for start in starts} == {(2, 0)}
    assert starts[0] > datetime.now(UTC)
    assert {(after - before).days for before, after in pairwise(starts)} == {1}


def test_a_run_with_parameters_completes_and_leaves_its_artifacts(servers: Servers, source: Path) -> None:
    parameters = {"dataset": "learning", "source_root": str(source), "config": SMALL_NIGHT}
    run = servers.run("retrain/retrain", parameters, servers.home)
    assert run["state"]["name"] == "Completed", run["state"]["message"]

    artifacts = {entry["key"]: entry for entry in servers.filter("artifacts", flow_runs={"id": {"any_": [run["id"]]}})}
    kinds = {key: entry["type"] for key, entry in artifacts.items()}
    assert kinds == {"night": "markdown", "candidates": "table", "alpha-sweep": "table", "gates": "table"}
    assert all(model in artifacts["candidates"]["data"] for model in SMALL_NIGHT["models"])
    champion = answer(
        servers.mlflow.get("/registered-models/alias", params={"name": "nightschool", "alias": "champion"})
    )
    release_id = next(tag["value"] for tag in champion["model_version"]["tags"] if tag["key"] == "release_id")
    assert release_id in artifacts["night"]["data"]


def test_a_run_on_bad_data_fails_with_our_message(servers: Servers, source: Path, tmp_path: Path) -> None:
    bad = tmp_path / "source"
    bad.mkdir()
    for file in source.glob("*.csv"):
        frame = pl.read_csv(file)
        frame.rename({"user_id": "learner"} if file.name == "engagements.csv" else {}).write_csv(bad / file.name)
    parameters = {"dataset": "learning", "source_root": str(bad), "config": SMALL_NIGHT}
    state = servers.run("retrain/retrain", parameters, tmp_path / "home")["state"]
    assert state["name"] == "Failed"
    assert "DataRefused" in state["message"]
    assert "user_id" in state["message"]


def test_ctrl_c_ends_everything(servers: Servers) -> None:
    family = psutil.Process(servers.process.pid).children(recursive=True)
    assert len(family) >= 3
    servers.process.send_signal(signal.SIGINT)
    assert servers.process.wait(60) == 0, servers.output.read_text()
    assert not [process for process in family if process.is_running()]


def deployments() -> list[dict[str, Any]]:
    return yaml.safe_load((ROOT / "prefect.yaml").read_text(encoding="utf-8"))["deployments"]


@pytest.mark.parametrize("entrypoint", sorted({entry["entrypoint"] for entry in deployments()}))
def test_an_entrypoint_loads_without_the_placeholder(entrypoint: str) -> None:
    """By default Prefect deploys a stub when a flow's imports fail."""
    load = "import sys; from prefect.flows import load_flow_from_entrypoint as load; "
    code = f"{load} print(load(sys.argv[1], use_placeholder_flow=False).name)"
    done = subprocess.run(
        [sys.executable, "-c", code, entrypoint], cwd=ROOT, capture_output=True, text=True, timeout=SECONDS, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() in entrypoint
