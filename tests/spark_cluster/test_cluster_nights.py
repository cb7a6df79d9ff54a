"""Nights on a real master with two workers: what they publish, and what they do when parts of it die."""

import os
import signal
import time
from pathlib import Path

import pytest

from nightschool.testing.spark_cluster import SparkCluster, kill, spark_cluster
from tests.spark_cluster.conftest import Begin, Night, published

pytestmark = pytest.mark.spark

STAGES = ("prepare", "select", "prove", "refit", "recommend")


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("undisturbed") / "home"


@pytest.fixture
def expected(undisturbed: Path, begin: Begin) -> dict[str, str]:
    """What one machine publishes."""
    if not undisturbed.exists():
        night = begin(undisturbed, None)
        assert night.ends() == 0, night.told()
    return published(undisturbed)


def test_a_cluster_publishes_what_one_machine_publishes(
    cluster: SparkCluster, begin: Begin, expected: dict[str, str], tmp_path: Path
) -> None:
    night = begin(tmp_path / "home", cluster.url)
    assert night.ends() == 0, night.told()
    assert published(tmp_path / "home") == expected


def test_a_worker_that_dies_in_every_stage_changes_nothing(
    cluster: SparkCluster, begin: Begin, expected: dict[str, str], tmp_path: Path
) -> None:
    night = begin(tmp_path / "home", cluster.url)
    died = [stage for stage in STAGES if kill_an_executor(cluster, night, stage)]
    assert night.ends() == 0, night.told()
    assert set(died) >= {"prepare", "prove", "refit", "recommend"}
    assert published(tmp_path / "home") == expected


def test_a_night_whose_master_is_gone_ends_and_the_next_one_goes_on(
    begin: Begin, expected: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    with spark_cluster(tmp_path / "first") as cluster:
        night = begin(home, cluster.url)
        night.await_stage("prove")
        for process in (cluster.master, *cluster.workers):
            kill(process)
        began = time.monotonic()
        assert night.ends() == 7, night.told()
        assert time.monotonic() - began < 240
        assert "Spark" in night.told()
    with spark_cluster(tmp_path / "second") as cluster:
        night = begin(home, cluster.url)
        assert night.ends() == 0, night.told()
        assert "prepare: finished by an earlier try of this night" in night.log.read_text()
    assert published(home) == expected


@pytest.mark.slow  # Spark itself asks for a minute
def test_a_master_that_is_not_there_ends_the_night_at_once(begin: Begin, tmp_path: Path) -> None:
    night = begin(tmp_path / "home", "spark://127.0.0.1:9")
    assert night.ends() == 7, night.told()
    assert "Spark does not answer" in night.told()
    assert not (tmp_path / "home" / "lake" / "interactions").exists()


def kill_an_executor(cluster: SparkCluster, night: Night, stage: str) -> bool:
    """Kill an executor soon after a stage began; whether there was one."""
    night.await_stage(stage)
    until = time.monotonic() + 20
    while night.stage() == stage and time.monotonic() < until:
        found = cluster.executors()
        if found:
            time.sleep(0.2)
            os.kill(found[0].pid, signal.SIGKILL)
            return True
        time.sleep(0.05)
    return False
