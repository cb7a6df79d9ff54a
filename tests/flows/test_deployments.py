"""The deployed flows on a real Prefect server and worker, started and stopped as `make up` does it."""

import shutil
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import polars as pl
import pytest
import yaml
from prefect.flows import load_flow_from_entrypoint
from prefect.settings import PREFECT_API_URL, temporary_settings

from nightschool.cli.automations import NAME, watch_for_nights
from nightschool.simulator.config import SimulatorConfig
from nightschool.simulator.simulate import simulate
from tests.application.hooks import Hook
from tests.flows.servers import SMALL_NIGHT, Servers, answer, until

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.server


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
    parameters = {"dataset": "learning", "config": SMALL_NIGHT}
    other = tmp_path_factory.mktemp("other") / "home"
    return Runs(
        good=servers.start("retrain/retrain", servers.home, {**parameters, "source_root": str(source)}),
        bad=servers.start("retrain/nightly", other, {**parameters, "source_root": str(bad)}),
    )


def test_every_flow_of_prefect_yaml_is_deployed(servers: Servers) -> None:
    wanted = {entry["name"]: entry["entrypoint"] for entry in deployments()}
    found = servers.filter("deployments")
    assert {entry["name"]: entry["entrypoint"] for entry in found} == wanted
    assert set(wanted) == {"nightly", "retrain", "backfill", "rollback", "forget"}
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
    artifacts = {entry["key"]: entry for entry in left if entry["type"] != "progress"}  # of stages that took long
    kinds = {key: entry["type"] for key, entry in artifacts.items()}
    tables = dict.fromkeys(("candidates", "alpha-sweep", "gates"), "table")
    assert kinds == {**dict.fromkeys(("night", "release", "mlflow", "report"), "markdown"), **tables}
    assert all(model in artifacts["candidates"]["data"] for model in SMALL_NIGHT["models"])
    assert champion(servers.mlflow) in artifacts["night"]["data"]


def test_the_pages_of_a_run_show_our_log(servers: Servers, runs: Runs) -> None:
    servers.final_state(runs.good)
    lines = servers.filter("logs", logs={"flow_run_id": {"any_": [runs.good]}})
    assert any(line["name"] == "nightschool.application" and line["message"].startswith("select: ") for line in lines)


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


def test_a_person_is_forgotten_from_the_page_and_prefect_does_not_keep_who(servers: Servers, runs: Runs) -> None:
    servers.final_state(runs.good)
    served = pl.scan_delta(str(servers.home / "lake" / "users"))
    gone = served.select(pl.col("user_id").max()).collect().item()
    run_id = servers.start("forget/forget", servers.home, {"user": str(gone)})
    state = servers.final_state(run_id)
    assert state["name"] == "Completed", state["message"]
    assert pl.scan_delta(str(servers.home / "lake" / "users")).filter(user_id=gone).collect().is_empty()
    assert answer(servers.prefect.get(f"/flow_runs/{run_id}"))["parameters"] == {"user": "withheld"}
    until(lambda: "forgotten: 1 rows of users" in servers.log(run_id), "the log of what was forgotten")
    assert str(gone) not in servers.log(run_id).replace("\n", " ").split()

    again = servers.start("forget/forget", servers.home, {"user": str(gone)})
    message = servers.final_state(again)["message"]
    assert "no such user; nothing was erased" in message
    assert str(gone) not in message.split()


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
