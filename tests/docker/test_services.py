"""From nothing to a published release that the API serves: every service of compose.yaml by its own command."""

import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from nightschool.simulator.config import SimulatorConfig
from nightschool.simulator.simulate import simulate
from tests.docker.files import ROOT, service
from tests.docker.processes import Machine, machine
from tests.postgres import PASSWORD, USER, Server, binary, running_server

PORTS = (4200, 5000, 8000, 8080)
"""Prefect's, MLflow's and the API's, and the worker's for its own health."""
NIGHT = {"models": ["popularity", "ease", "content"], "k": 10, "alpha_steps": 2, "min_users": 20, "window_days": 60}

pytestmark = [pytest.mark.server, pytest.mark.faults]


def free_ports(n: int) -> list[int]:
    with ExitStack() as taken:
        listening = [taken.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(n)]
        return [listener.getsockname()[1] for listener in listening]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("source")
    simulate(SimulatorConfig(users=250, items=60, interactions=5_000), folder)
    return folder


@pytest.fixture(scope="module")
def database() -> Iterator[Server]:
    with running_server() as server:
        yield server


@pytest.fixture(scope="module")
def running(database: Server, source: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """All services but the API, which the first release brings."""
    ports = dict(zip(PORTS, free_ports(len(PORTS)), strict=True)) | {5432: database.port}
    with machine(tmp_path_factory.mktemp("docker"), ports, source) as made:
        make_databases(made, database)
        for name in ("prefect", "mlflow", "worker", "deployments"):
            made.start(name)
        made.finish("deployments")
        yield made


def make_databases(made: Machine, database: Server) -> None:
    """Does what PostgreSQL's image does on a new data folder: runs databases.sql as the superuser."""
    script = made.translate((ROOT / "docker/postgres/databases.sql").read_text(encoding="utf-8"), service("postgres"))
    where = ("--host=127.0.0.1", f"--port={database.port}", f"--username={USER}", "--dbname=postgres")
    subprocess.run(
        [binary("psql"), "--no-psqlrc", "--set=ON_ERROR_STOP=1", *where],
        input=script,
        env={"PATH": os.environ["PATH"], "PGPASSWORD": PASSWORD},
        text=True,
        capture_output=True,
        check=True,
    )


@pytest.fixture(scope="module")
def night(running: Machine) -> str:
    """What a state sees who starts the deployment `retrain` and waits for its end."""
    params = json.dumps({"dataset": "learning", "source_root": "/source", "config": NIGHT})
    command = ("prefect", "deployment", "run", "retrain/retrain", "--params", params)
    return running.run("worker", *command, "--watch", "--watch-interval", "1")


@pytest.fixture(scope="module")
def release(running: Machine, night: str) -> str:
    """The release that the night published."""
    (entry,) = json.loads(running.run("worker", "nightschool", "releases", "list", "--json"))
    assert entry["status"] == "published"
    return str(entry["id"])


@pytest.fixture(scope="module")
def api(running: Machine, release: str) -> Iterator[httpx.Client]:
    """The API, to whoever has the key that was made for the page."""
    made = json.loads(running.run("worker", "nightschool", "keys", "add", "page", "--role", "events", "--json"))
    running.start("api")
    running.until_healthy("api")
    address = running.translate("http://127.0.0.1:8000", service("api"))
    with httpx.Client(base_url=address, headers={"Authorization": f"Bearer {made['key']}"}, timeout=30) as client:
        yield client


def rows(made: Machine, database: Server, account: str, statement: str, *, of: str | None = None) -> list[Any]:
    """What one account reads in its own database, or in another one's."""
    password = (made.secrets / f"{account}_password").read_text(encoding="utf-8")
    where = {"host": "127.0.0.1", "port": database.port, "user": account, "dbname": of or account}
    with psycopg.connect(**where, password=password) as connection:
        return connection.execute(statement).fetchall()


def test_prefect_keeps_its_runs_in_postgresql(running: Machine, database: Server, night: str) -> None:
    assert running.is_healthy(service("prefect"))
    states = "SELECT state_type::text, count(*) FROM flow_run WHERE NOT auto_scheduled GROUP BY 1"
    assert rows(running, database, "prefect", states) == [("COMPLETED", 1)]
    deployed = rows(running, database, "prefect", "SELECT name FROM deployment ORDER BY 1")
    assert deployed == [("backfill",), ("nightly",), ("retrain",), ("rollback",)]


def test_nights_are_scheduled(running: Machine, database: Server, night: str) -> None:
    scheduled = "SELECT count(*) FROM flow_run WHERE auto_scheduled AND state_type = 'SCHEDULED'"
    assert rows(running, database, "prefect", scheduled)[0][0] > 0


def test_mlflow_keeps_runs_and_the_alias_in_postgresql(running: Machine, database: Server, release: str) -> None:
    assert rows(running, database, "mlflow", "SELECT count(*) FROM runs")[0][0] > 3
    tagged = """SELECT tag.value FROM registered_model_aliases AS alias JOIN model_version_tags AS tag
        USING (name, version) WHERE alias.alias = 'champion' AND tag.key = 'release_id'"""
    assert rows(running, database, "mlflow", tagged) == [(release,)]
    assert list((running.volumes / "artifacts").rglob("MLmodel"))


def test_mlflow_answers_to_its_own_names_only(running: Machine, release: str) -> None:
    address = running.translate("http://mlflow:5000", service("worker"))
    path = f"{address}/api/2.0/mlflow/experiments/get-by-name?experiment_name=nightschool"
    assert httpx.get(path).status_code == 200
    assert httpx.get(path, headers={"Host": "evil.example"}).status_code == 403


def test_all_is_well_to_the_doctor(running: Machine, release: str) -> None:
    checks = {
        check["name"]: check for check in json.loads(running.run("worker", "nightschool", "doctor", "--json"))["checks"]
    }
    assert release in checks["release"]["seen"]
    assert release in checks["mlflow"]["seen"]
    assert all(check["ok"] for check in checks.values()), checks


def test_the_api_serves_what_the_night_published(api: httpx.Client, release: str) -> None:
    answer = api.get("/v1/users/14/recommendations", params={"k": 5})
    assert answer.status_code == 200, answer.text
    assert answer.json()["release_id"] == release
    assert len(answer.json()["items"]) == 5
    assert httpx.get(answer.url).status_code == 401


def test_an_event_is_in_postgresql_and_changes_the_next_answer(
    api: httpx.Client, running: Machine, database: Server
) -> None:
    listed = "/v1/users/15/recommendations"
    item = api.get(listed).json()["items"][0]["item_id"]
    sent = {"user_id": 15, "item_id": item, "event": "complete", "event_id": "one"}
    answer = api.post("/v1/events", json=sent)
    assert answer.status_code == 201, answer.text
    stored = rows(running, database, "nightschool", "SELECT event_id, user_id, item_id, event FROM events")
    assert stored == [("one", "15", str(item), "complete")]
    deadline = time.monotonic() + 30
    while item in [entry["item_id"] for entry in api.get(listed).json()["items"]]:
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_an_account_reaches_its_own_database_alone(running: Machine, database: Server) -> None:
    for account in ("prefect", "mlflow", "nightschool"):
        for other in {"prefect", "mlflow", "nightschool", "postgres"} - {account}:
            with pytest.raises(psycopg.OperationalError, match="permission denied"):
                rows(running, database, account, "SELECT 1", of=other)


def test_no_password_is_told_to_a_process_or_printed(running: Machine, api: httpx.Client) -> None:
    passwords = [path.read_text(encoding="utf-8") for path in running.secrets.iterdir()]
    told = list(running.told_to_processes())
    assert len(told) >= 4
    printed = [path.read_text(encoding="utf-8", errors="replace") for path in running.logs.iterdir()]
    assert not [text for text in (*told, *printed) if any(password in text for password in passwords)]


def test_nothing_but_volumes_and_scratch_is_written(running: Machine, night: str) -> None:
    assert {path.name for path in (running.volumes / "home").iterdir()} >= {"lake", "serving"}
    assert not [path for path in (ROOT / ".prefect", ROOT / "mlruns", ROOT / "mlflow.db") if path.exists()]
