import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from nightschool.cli.temporary_server import TemporaryServer, why
from tests.cli.conftest import ROOT, spawn

STARTED = """
import time
from nightschool.cli.environment import prepare_environment, prepare_flow_run

prepare_environment()
server = prepare_flow_run()
{start}
print("starting", flush=True)
{then}
"""
PATIENCE = 100.0
"""Less than Prefect waits for its server."""
SECONDS = 15.0
"""The longest that Ctrl-C may take."""


def started(home: Path, then: str, start: str = "server.start()") -> "subprocess.Popen[str]":
    """A process of a group of its own that has begun to start its server."""
    environment = {**os.environ, "NIGHTSCHOOL_HOME": str(home), "PREFECT_HOME": str(home / "prefect")}
    command = [sys.executable, "-c", STARTED.format(then=then, start=start)]
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "starting\n"
    return process


def servers(process: "subprocess.Popen[str]") -> list[psutil.Process]:
    """The servers below the process, once there is one."""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        if found := psutil.Process(process.pid).children(recursive=True):
            return found
        time.sleep(0.05)
    return []


def require_ended(processes: list[psutil.Process]) -> None:
    assert processes
    _, alive = psutil.wait_procs(processes, timeout=SECONDS)
    assert alive == []


@pytest.mark.server
@pytest.mark.parametrize("then", ["server.wait()", "server.wait(); print('ready', flush=True); time.sleep(600)"])
def test_ctrl_c_to_the_whole_group_ends_it_and_its_server_at_once(home: Path, then: str) -> None:
    process = started(home, then)
    below = servers(process)
    if "ready" in then:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    asked = time.monotonic()
    os.killpg(process.pid, signal.SIGINT)
    process.communicate(timeout=SECONDS * 2)
    assert process.returncode in (1, -signal.SIGINT)
    assert time.monotonic() - asked < SECONDS
    require_ended(below)


@pytest.mark.server
def test_a_killed_command_leaves_no_server_behind(home: Path) -> None:
    process = started(home, "server.wait(); print('ready', flush=True); time.sleep(600)")
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    below = servers(process)
    process.kill()
    process.communicate()
    require_ended(below)


@pytest.mark.server
def test_a_server_that_cannot_start_says_why_at_once(home: Path) -> None:
    (home / "prefect" / "prefect.db").mkdir(parents=True)
    began = time.monotonic()
    places = {"NIGHTSCHOOL_HOME": str(home), "PREFECT_HOME": str(home / "prefect")}
    outcome = spawn(code=STARTED.format(then="server.wait()", start="server.start()"), **places)
    last = outcome.err.splitlines()[-1]
    assert last.startswith("nightschool.errors.Unavailable: Prefect's temporary server did not start; saw")
    assert "unable to open database file" in last
    assert time.monotonic() - began < PATIENCE


def test_a_full_disk_is_told_as_such() -> None:
    said = ["Traceback", "sqlalchemy.exc.OperationalError: database or disk is full", "(more about it)", ""]
    assert "the disk is full" in str(why(said))
    assert "did not start; saw 'nothing'" in str(why([]))


@pytest.mark.server
@pytest.mark.parametrize("there", [True, False])
def test_a_server_that_is_not_started_touches_nothing(home: Path, there: bool) -> None:
    if there:
        home.mkdir()
    process = started(home, "time.sleep(600)", start="")
    below = servers(process)
    time.sleep(4)
    process.kill()
    process.communicate()
    require_ended(below)
    assert home.exists() == there
    assert not there or [*home.iterdir()] == []


@pytest.mark.server
def test_the_second_new_home_of_a_machine_copies_the_databases_tables(home: Path, tmp_path: Path) -> None:
    places = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    for name in ("first", "second"):
        folder = home / name
        there = {**places, "NIGHTSCHOOL_HOME": str(folder), "PREFECT_HOME": str(folder / "prefect")}
        outcome = spawn(code=STARTED.format(then="server.wait()", start="server.start()"), **there)
        assert (outcome.code, outcome.err) == (0, "")
    kept = [path.name for path in (tmp_path / "cache" / "nightschool").iterdir()]
    assert len(kept) == 1
    assert kept[0].startswith("prefect-")


@pytest.mark.server
def test_a_server_that_a_profile_names_is_used(home: Path) -> None:
    (home / "prefect").mkdir(parents=True)
    profile = 'active = "own"\n[profiles.own]\nPREFECT_API_URL = "http://127.0.0.1:1/api"\n'
    (home / "prefect" / "profiles.toml").write_text(profile)
    there = {"NIGHTSCHOOL_HOME": str(home), "PREFECT_HOME": str(home / "prefect")}
    then = "server.wait(); import os; print(os.environ.get('PREFECT_API_URL'))"
    outcome = spawn(code=STARTED.format(then=then, start="server.start()"), **there)
    assert (outcome.code, outcome.out) == (0, "starting\nNone\n")
    assert not (home / "prefect" / "prefect.db").exists()


def test_a_command_that_is_refused_ends_its_server(home: Path) -> None:
    with pytest.raises(ValueError, match="refused"), TemporaryServer() as server:  # noqa: PT012
        process = server._process
        raise ValueError("refused")
    assert process is not None
    assert process.poll() is not None
