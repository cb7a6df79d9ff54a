"""Passwords in addresses: a night uses them, and no byte below the home, no output and no error tells them."""

import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from nightschool.cli.up import answers
from tests.cli.conftest import NIGHT, ROOT, Run, spawn
from tests.cli.forgetting import places_of

SECRET = "s3cr3t-9f"
MANIFEST = """
name = "platform"
score = "implicit"
history = true

[interactions]
format = { kind = "sql", uri = "URI", query = "SELECT * FROM log", key = "id", name = "log" }
user = "learner"
item = "course"
timestamp = { column = "at", unit = "iso" }
"""
AS_A_WORKER = """
import sys
from nightschool.cli.environment import prepare_environment, prepare_flow_run
prepare_environment()
server = prepare_flow_run()
server.start()
from nightschool.storage.binding import Binding, bind
from nightschool.settings import Settings
from pathlib import Path
manifest, source = sys.argv[1:]
bind(Settings().paths.binding, Binding(
    dataset="platform", manifest=manifest, source_root=Path(source), user_id="String", item_id="String"))
from flows.retrain import retrain
server.wait()
retrain(manifest, Path(source))
"""
"""A night as a worker runs it: what fails is told to Prefect, which keeps it."""


def describe(folder: Path, uri: str) -> Path:
    (folder / "platform.toml").write_text(MANIFEST.replace("URI", uri), encoding="utf-8")
    return folder / "platform.toml"


@pytest.mark.faults
def test_a_database_that_does_not_answer_is_told_to_nobody(tmp_path: Path, home: Path) -> None:
    manifest = describe(tmp_path, f"postgresql://reader:{SECRET}@127.0.0.1:1/db")
    (home / "lake").mkdir(parents=True)
    night = spawn(manifest, tmp_path, code=AS_A_WORKER)
    assert night.code != 0
    assert "127.0.0.1" not in night.out
    assert "does not answer" in night.err
    assert SECRET not in night.out + night.err
    assert (home / "prefect" / "prefect.db").exists()
    assert places_of(home, SECRET) == []


@pytest.fixture
def mlflow_server(tmp_path: Path) -> Iterator[str]:
    """The address of an MLflow server with a store and files of its own, and a password in it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    folder = tmp_path / "mlflow-server"
    folder.mkdir()
    store = (
        "--backend-store-uri",
        f"sqlite:///{folder / 'mlflow.db'}",
        "--artifacts-destination",
        str(folder / "files"),
    )
    where = ("--host", "127.0.0.1", "--port", str(port), "--workers", "1")
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "mlflow", "server", *store, *where],
            env={**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
            stdout=log,
            stderr=log,
            cwd=ROOT,
            start_new_session=True,
        )
    try:
        deadline = time.monotonic() + 120
        while not answers(f"http://127.0.0.1:{port}/health"):
            assert process.poll() is None, (folder / "log").read_text()
            assert time.monotonic() < deadline, (folder / "log").read_text()
            time.sleep(0.2)
        yield f"http://nightly:{SECRET}@127.0.0.1:{port}"
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.mark.slow
def test_a_whole_night_tells_no_address(mlflow_server: str, tmp_path: Path, home: Path, run: Run) -> None:
    with closing(sqlite3.connect(tmp_path / f"{SECRET}.db")) as connection, connection:
        connection.execute("CREATE TABLE log (id INTEGER PRIMARY KEY, learner TEXT, course INTEGER, at TEXT)")
        rows = [
            (i, f"learner-{1 + i * 7 % 150:04}-zq", 1 + i * i % 40, f"2025-01-{1 + i % 28:02}") for i in range(3000)
        ]
        connection.executemany("INSERT INTO log VALUES (?, ?, ?, ?)", rows)
    manifest = describe(tmp_path, f"sqlite:///{SECRET}.db")
    told = [part for assignment in NIGHT for part in ("--set", assignment)]
    told += ["--set", 'models=["popularity", "ease"]']
    environment = {"NIGHTSCHOOL_MLFLOW_TRACKING_URI": mlflow_server, "PREFECT_HOME": str(home / "prefect")}
    line = ("--home", home, "retrain", "--dataset", manifest, "--source-root", tmp_path, *told)
    night = spawn(*line, **environment)
    assert night.code == 0, night.err
    doctor = spawn("--home", home, "doctor", **environment)
    assert doctor.code == 0, doctor
    forgotten = spawn("--home", home, "forget", "--user", "learner-0008-zq", "--json", **environment)
    assert forgotten.code == 0, forgotten.err
    assert forgotten.document["recommenders"] == 1
    for outcome in (night, doctor, forgotten):
        assert SECRET not in outcome.out + outcome.err
    server = tmp_path / "mlflow-server"
    assert places_of(home, SECRET) == places_of(server, SECRET) == []
    assert places_of(home, "learner-0008-zq") == places_of(server, "learner-0008-zq") == []
    assert [name for name in places_of(server, "learner-0009-zq") if "ids.json" in name]


def test_an_mlflow_that_does_not_answer_is_told_without_its_password(
    tmp_path: Path, home: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NIGHTSCHOOL_MLFLOW_TRACKING_URI", f"http://nightly:{SECRET}@127.0.0.1:1")
    (mlflow,) = [check for check in run("doctor", "--json").document["checks"] if check["name"] == "mlflow"]
    assert "saw 'http://127.0.0.1:1'" in mlflow["seen"]
    assert SECRET not in str(mlflow)
