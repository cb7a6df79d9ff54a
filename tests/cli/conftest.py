"""The command line as its users meet it: in this process, in another one, and on a home that has a release."""

import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl
import pytest
from prefect.settings import PREFECT_API_URL

from nightschool.cli.app import main
from nightschool.simulator.config import SimulatorConfig
from nightschool.simulator.simulate import simulate

ROOT = Path(__file__).parents[2]
BUSY_USER = 1
"""Has seen every item of the simulated catalogue."""
N_USERS, N_ITEMS, N_INTERACTIONS = 250, 60, 5_000
ODD_TITLES = {1: "שלום 🎓 مرحبا", 2: "=1+cmd|' /C calc'!A0", 3: "[/b] :smile: <i>", 4: "… !!! ???"}
"""What four items of the simulated catalogue are called."""
NIGHT = (
    'models=["popularity", "ease", "content"]',
    "k=200",
    "alpha_steps=2",
    "min_users=20",
    "window_days=60",
    "minutes=0",
)
"""A night that is quick and asks for longer lists than there are items."""


class Outcome(NamedTuple):
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one JSON document that standard output is."""
        return json.loads(self.out)


Run = Callable[..., Outcome]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs one command in this process."""
    return partial(run_here, monkeypatch)


def run_here(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> Outcome:
    """Runs one command in this process."""
    monkeypatch.setattr(sys, "argv", ["nightschool", *map(str, arguments)])
    # `--home` writes the variable; this makes the test give it back.
    monkeypatch.setenv("NIGHTSCHOOL_HOME", os.environ["NIGHTSCHOOL_HOME"])
    if (url := PREFECT_API_URL.value()) and not {"retrain", "backfill"}.isdisjoint(arguments):
        # Their server is a process of its own, which does not know of this one's settings.
        monkeypatch.setenv("PREFECT_API_URL", url)
    out, err, code = io.StringIO(), io.StringIO(), 0
    with redirect_stdout(out), redirect_stderr(err):
        try:
            main()
        except SystemExit as end:
            code = int(end.code or 0)
    return Outcome(code, out.getvalue(), err.getvalue())


def spawn(*arguments: object, code: str = "from nightschool.cli import main; main()", **environment: str) -> Outcome:
    """Runs one command in a process of its own, as the `nightschool` script does."""
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if name != "PREFECT_API_URL"} | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    return Outcome(done.returncode, done.stdout, done.stderr)


def require_refusal(outcome: Outcome, code: int, *told: object) -> None:
    """Asserts an exit code and one line on standard error that tells all these things, and nothing else."""
    assert outcome.code == code, outcome
    assert outcome.out == ""
    line, *more = outcome.err.splitlines()
    assert not more, outcome.err
    for each in told:
        assert str(each) in line


@pytest.fixture(scope="session")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A simulated learning platform on which one user has seen everything."""
    folder = tmp_path_factory.mktemp("source")
    simulate(SimulatorConfig(users=N_USERS, items=N_ITEMS, interactions=N_INTERACTIONS), folder)
    content = pl.read_csv(folder / "content.csv")
    odd = pl.col("content_id").replace_strict(ODD_TITLES, default=pl.col("title"))
    content.with_columns(odd.alias("title")).write_csv(folder / "content.csv")
    with (folder / "engagements.csv").open("a", encoding="utf-8") as file:
        file.writelines(f"{BUSY_USER},{item},2025-01-05T10:00:00Z,viewed,600,true\n" for item in range(1, N_ITEMS + 1))
    return folder


class Published(NamedTuple):
    """A home with one release, to be read only, and what the night said."""

    home: Path
    night: Outcome

    @property
    def release_id(self) -> str:
        """The release."""
        return str(self.night.document["release_id"])


@pytest.fixture(scope="session")
def published(source: Path, prefect_api: str, tmp_path_factory: pytest.TempPathFactory) -> Published:
    """A home that a night of a process of its own made."""
    home = tmp_path_factory.mktemp("published") / "home"
    told = [part for assignment in NIGHT for part in ("--set", assignment)]
    night = spawn(
        *("--home", home, "retrain", "--dataset", "learning", "--source-root", source, "--json", *told),
        PREFECT_API_URL=prefect_api,
        PREFECT_HOME=str(home / "prefect"),
    )
    assert night.code == 0, night.err
    return Published(home, night)


@pytest.fixture
def reading(published: Published, monkeypatch: pytest.MonkeyPatch) -> Published:
    """The home with a release is the one that commands use; they must only read it."""
    monkeypatch.setenv("NIGHTSCHOOL_HOME", str(published.home))
    return published


@pytest.fixture
def writing(published: Published, home: Path) -> Published:
    """A copy of the home with a release, for commands that write."""
    shutil.copytree(published.home, home)
    return Published(home, published.night)
