"""A real standalone master with two workers, for nights in processes of their own."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from nightschool.simulator.config import SimulatorConfig
from nightschool.simulator.simulate import simulate
from nightschool.testing.spark_cluster import SparkCluster, spark_cluster

PROGRAM = """
import sys
import nightschool.spark.divide as divide
divide.ROWS_A_PART = 3000
import nightschool.spark.lists as lists
import nightschool.spark_session as session
session.PATIENCE_SECONDS = 20.0
lists.USERS_A_FILE = 200
from nightschool.cli import main
main()
"""
"""The command line, with parts so small that there are some."""
MODELS = ["itemknn", "transitions", "popularity", "content"]


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkCluster]:
    with spark_cluster(tmp_path_factory.mktemp("cluster"), workers=2) as started:
        yield started


@pytest.fixture(scope="session")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("source")
    simulate(SimulatorConfig(users=600, items=150, interactions=12_000, seed=5), folder)
    return folder


@dataclass
class Night:
    """A night in a process of its own."""

    home: Path
    process: subprocess.Popen[bytes]
    log: Path
    began: float = field(default_factory=time.monotonic)

    def stage(self) -> str | None:
        """The stage whose folder was made last."""
        folders = [each for each in self.home.glob("nights/*/*") if each.is_dir() and each.name != "checkpoints"]
        return max(folders, key=lambda each: each.stat().st_ctime).name if folders else None

    def await_stage(self, stage: str, seconds: float = 120) -> None:
        until = time.monotonic() + seconds
        while self.stage() != stage:
            assert self.process.poll() is None, self.told()
            assert time.monotonic() < until, f"{stage} did not begin: {self.told()}"
            time.sleep(0.05)

    def ends(self, seconds: float = 300) -> int:
        return self.process.wait(seconds)

    def told(self) -> str:
        return self.log.read_text(errors="replace")[-3000:]


Begin = Callable[..., Night]


@pytest.fixture
def begin(source: Path, tmp_path: Path) -> Iterator[Begin]:
    """Begins a night: its home, its master (None: one machine), and further settings."""
    begun: list[Night] = []

    def start(home: Path, master: str | None, **settings: Any) -> Night:
        asked = {
            "models": ["itemknn", "transitions", "popularity", "content"],
            "minutes": 0,
            "min_users": 50,
            **settings,
        }
        if master is not None:
            asked |= {"engine": "spark", "spark.master": master}
        values = [part for key, value in asked.items() for part in ("--set", f"{key}={json.dumps(value)}")]
        arguments = ["retrain", "--dataset", "learning", "--source-root", str(source), *values]
        log = tmp_path / f"night-{len(begun)}.log"
        environment = {**os.environ, "NIGHTSCHOOL_HOME": str(home), "PREFECT_HOME": str(tmp_path / "prefect")}
        with log.open("wb") as output:
            command = [sys.executable, "-c", PROGRAM, *arguments]
            process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, env=environment)
        begun.append(Night(home, process, log))
        return begun[-1]

    yield start
    for night in begun:
        if night.process.poll() is None:
            night.process.kill()
            night.process.wait()


def published(home: Path) -> dict[str, str]:
    """The content hashes of the newest release, but those of what is made of a part of the users at a time."""
    command = [sys.executable, "-c", PROGRAM, "--home", str(home), "releases", "list", "--json"]
    releases = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    made_of_samples = {"metrics", "similar_users"}
    return {name: each for name, each in releases[-1]["content_hashes"].items() if name not in made_of_samples}
