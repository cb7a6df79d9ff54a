"""Homes that the last states of the code wrote, opened, read and written by this one."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from nightschool.settings import HomePaths
from nightschool.simulator.config import SimulatorConfig
from nightschool.simulator.simulate import simulate
from nightschool.storage.home_version import VERSION, home_version
from tests.cli.conftest import ROOT, Run

STATES = {"before homes had a version": "ddf7ff1", "before tables were written by polars": "943ad9e"}
NIGHT = ('models=["popularity", "content"]', "k=5", "alpha_steps=1", "min_users=20", "window_days=60")
TOLD = [part for assignment in NIGHT for part in ("--set", assignment)]
PACKAGES = ("nightschool", "models", "expectations", "tasks", "flows", "serving")

pytestmark = pytest.mark.slow


@pytest.fixture(params=STATES.values(), ids=STATES)
def older_code(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The folder of the packages as they were; a checkout without its history has none."""
    archive = subprocess.run(["git", "archive", request.param, *PACKAGES], cwd=ROOT, capture_output=True, check=False)
    if archive.returncode:
        pytest.skip(f"this checkout does not hold {request.param}")
    folder = tmp_path / "code"
    folder.mkdir()
    subprocess.run(["tar", "-x", "-C", str(folder)], input=archive.stdout, check=True)
    return folder


def test_a_home_of_an_older_state_goes_on(older_code: Path, tmp_path: Path, run: Run, prefect_api: str) -> None:
    source, home = tmp_path / "source", tmp_path / "older"
    simulate(SimulatorConfig(users=80, items=30, interactions=1_500), source)
    command = ["--home", home, "retrain", "--dataset", "learning", "--source-root", source, *TOLD]
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("NIGHTSCHOOL_", "PREFECT_"))}
    done = subprocess.run(
        [sys.executable, "-c", "from nightschool.cli import main; main()", *map(str, command)],
        cwd=tmp_path,
        env={**plain, "PYTHONPATH": str(older_code)},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    (release,) = run("--home", home, "releases", "list", "--json").document

    assert run("--home", home, "releases", "verify", release["id"], "--json").document["state"] == "intact"
    again = run("--home", home, "ingest", "--json").document["interactions"]
    assert (again["accepted"], again["already_known"]) == (0, 1_500)
    assert run("--home", home, "forget", "--user", "14", "--json").document["recommenders"] == 1
    night = run("--home", home, "retrain", "--json", *TOLD)
    assert (night.code, night.document["status"]) == (0, "published"), night.err
    assert run("--home", home, "recommend", "--user", "15").code == 0
    assert home_version(HomePaths(home)) == VERSION
