"""Homes below every path that people have, by every command; moved, copied and through a link."""

import os
import shutil
import signal
import socket
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from nightschool.cli.up import answers
from nightschool.simulator.config import SimulatorConfig
from nightschool.simulator.simulate import simulate
from tests.cli.conftest import ROOT, Run, require_refusal
from tests.serving.processes import wait_until

AWKWARD = (
    "with space",
    "ü",
    "学习",
    "100%",
    "a#b",
    "what?",
    "{x}",
    "a=b;c&d*e",
    "'quoted'",
    "dots..",
    "~",
    "-x",
    "[old]",
    "a]b^c|d",
)
UNUSABLE = ("a\\b", "a%20b", "a\tb", "a\nb", "b\udcffb")
NIGHT = ('models=["popularity", "content"]', "k=5", "alpha_steps=1", "min_users=20", "window_days=60")
TOLD = [part for assignment in NIGHT for part in ("--set", assignment)]
ONE = "14"


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A platform of few people; its folder has an awkward name too."""
    folder = tmp_path_factory.mktemp("source") / "what? 学习 {x}"
    simulate(SimulatorConfig(users=80, items=30, interactions=1_500), folder)
    return folder


@pytest.mark.parametrize("name", AWKWARD)
def test_rows_come_in_once_below_any_path(name: str, tiny: Path, tmp_path: Path, run: Run) -> None:
    home = tmp_path / "above" / name / "home"
    first = run("--home", home, "ingest", "--dataset", "learning", "--source-root", tiny, "--json")
    assert (first.code, first.document["interactions"]["accepted"]) == (0, 1_500), first.err
    again = run("ingest", "--json", f"--home={home}")
    assert (again.document["interactions"]["accepted"], again.document["interactions"]["already_known"]) == (0, 1_500)
    assert run("--home", home, "quarantine", "list", "--json").code == 0
    assert run("--home", home, "keys", "add", "page", "--role", "read").code == 0
    checks = {check["name"]: check for check in run("--home", home, "doctor", "--json").document["checks"]}
    assert [name for name, check in checks.items() if not check["ok"]] == []
    assert sorted(path.name for path in (tmp_path / "above").iterdir()) == [name]


def test_a_relative_home_and_a_linked_one_are_the_same(
    tiny: Path, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "real 学习").mkdir()
    (tmp_path / "link").symlink_to("real 学习")
    monkeypatch.chdir(tmp_path)
    for home in ("link/home", "./real 学习/../link/home", tmp_path / "real 学习" / "home"):
        rows = run("--home", home, "ingest", "--dataset", "learning", "--source-root", tiny, "--json").document
        assert rows["interactions"]["rows_in"] == 1_500
    assert rows["interactions"]["already_known"] == 1_500


@pytest.mark.parametrize("name", UNUSABLE)
def test_a_path_that_tables_cannot_have_is_refused_before_anything_is_written(
    name: str, tmp_path: Path, run: Run
) -> None:
    for command in (("ingest", "--dataset", "learning", "--source-root", tmp_path), ("doctor",), ("releases", "list")):
        require_refusal(run("--home", tmp_path / name, *command), 2, "no tables can be kept below a path with")
    assert not (tmp_path / name).exists()


EVERY_COMMAND = (
    ("recommend", "--user", ONE),
    ("similar-items", "--item", "1"),
    ("similar-users", "--user", ONE),
    ("releases", "list"),
    ("nights",),
    ("sources", "list"),
    ("quarantine", "list"),
    ("keys", "list"),
    ("evaluate", "--models", "popularity", "--protocol", "temporal-user"),
    ("doctor",),
)


@pytest.mark.parametrize(
    "name", ["what? 学习 100% a#b {x}=1 [old]^|", *(pytest.param(each, marks=pytest.mark.slow) for each in AWKWARD)]
)
def test_a_whole_night_and_every_command_below_any_path(
    name: str, tiny: Path, tmp_path: Path, run: Run, prefect_api: str
) -> None:
    home = tmp_path / name / "home"
    night = run("--home", home, "retrain", "--dataset", "learning", "--source-root", tiny, "--json", *TOLD)
    assert night.code == 0, night.err
    release = night.document["release_id"]
    for command in EVERY_COMMAND:
        outcome = run("--home", home, *command)
        assert (outcome.code, outcome.err) == (0, ""), (command, outcome)
    assert run("--home", home, "releases", "verify", release, "--json").document["state"] == "intact"
    exported = tmp_path / "lists.parquet"
    assert run("--home", home, "export", "--table", "recommendations", "--out", exported).code == 0
    copy = tmp_path / f"{name} copy"
    shutil.copytree(home, copy)
    assert run("--home", copy, "forget", "--user", ONE, "--json").document["recommenders"] == 1
    assert run("--home", home, "releases", "verify", release, "--json").document["state"] == "intact"
    assert {path.name for path in tmp_path.iterdir()} == {name, copy.name, exported.name}


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@pytest.mark.slow
def test_the_servers_run_in_a_home_below_any_path(tiny: Path, tmp_path: Path, run: Run) -> None:
    name = "what? 学习 100% a#b {x}=1 [old]^|"
    home = tmp_path / name / "home"
    assert run("--home", home, "ingest", "--dataset", "learning", "--source-root", tiny).code == 0
    prefect, mlflow, page = free_port(), free_port(), free_port()
    ports = ("--port", prefect, "--mlflow-port", mlflow, "--page-port", page)
    command = [sys.executable, "-c", "from nightschool.cli import main; main()", "--home", home, "up", *ports]
    environment = {**os.environ, "PREFECT_HOME": str(home / "prefect")}
    servers = subprocess.Popen(
        [*map(str, command)], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        assert servers.stdout is not None
        assert "Nightschool is up" in servers.stdout.readline()
        for address in (f"{prefect}/api/health", f"{mlflow}/health", f"{page}/health"):
            wait_until(partial(answers, f"http://127.0.0.1:{address}"), 30)
    finally:
        servers.send_signal(signal.SIGINT)
        servers.communicate(timeout=120)
    assert servers.returncode == 0
    assert (home / "prefect" / "prefect.db").is_file()
    assert [path.name for path in tmp_path.iterdir()] == [name]
