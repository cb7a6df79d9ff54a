"""Nights that are killed at random instants, at every system call that changes a file, and with their servers."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from itertools import count
from pathlib import Path
from typing import Any

import polars as pl
import psutil
import pytest

from nightschool.cli.temporary_server import API_URL
from nightschool.storage.lake import Lake
from nightschool.storage.releases import Releases
from tests.flows.conftest import World
from tests.flows.victims import CONFIG, KEPT, PATIENCE, Scene, after, read_whole_release

pytestmark = pytest.mark.slow

SEEDS = range(20)
DURATION = 6.0
"""About as many seconds as a night takes; one that is quicker is not killed."""


def finish_after_kills(scene: Scene, name: str, seed: int) -> dict[str, Any]:
    """How a night leaves the home that was killed at up to three instants."""
    rng = random.Random(seed)
    for attempt in range(rng.randint(1, 3)):
        night = scene.night(f"{name} killed {attempt}")
        time.sleep(rng.uniform(0.0, DURATION))
        night.kill()
        assert night.end() in (0, -signal.SIGKILL), night.log()
    return scene.night(f"{name} rerun").result()


def lasting(result: dict[str, Any]) -> dict[str, Any]:
    """What a night leaves, without what its last try told of itself."""
    return {name: left for name, left in result.items() if name not in {"status", "accepted"}}


@pytest.mark.parametrize("seed", SEEDS)
def test_a_night_that_is_killed_at_any_instants_publishes_once(world: World, seed: int) -> None:
    world.restore()
    with world.watched(f"reader {seed}") as seen:
        result = finish_after_kills(world.scene, f"night {seed}", seed)
    assert lasting(result) == lasting(world.undisturbed)
    assert seen == [world.first["release_id"], result["release_id"]]


@pytest.mark.parametrize("seed", SEEDS)
def test_a_first_night_that_is_killed_at_any_instants_publishes_once(world: World, seed: int) -> None:
    with world.before_the_first_night(), world.watched(f"first reader {seed}") as seen:
        result = finish_after_kills(world.scene, f"first night {seed}", seed)
    assert lasting(result) == lasting(world.first)
    assert seen == [None, result["release_id"]]


# Every system call of a publication

CHANGES = (
    "write,pwrite64,writev,pwritev,ftruncate,truncate,fallocate,copy_file_range,sendfile,mkdir,mkdirat,rmdir,"
    "unlink,unlinkat,rename,renameat,renameat2,link,linkat,symlink,symlinkat"
)
"""A file that was only just created shows as soon as it is written to; fsync changes nothing that one can see."""


def publish_until(scene: Scene, name: str, last: int) -> bool:
    """Whether the publication came to its end before it had changed the home so many times."""
    publication = scene.publication(name)
    publication.wait_until("ready")
    # The delay gives us the time to kill the process before it changes anything else.
    traced = ["-e", f"trace={CHANGES}", "-e", f"inject={CHANGES}:delay_exit=5000", "-p", str(publication.pid)]
    with subprocess.Popen(["strace", "-f", "-y", *traced], stderr=subprocess.PIPE, text=True) as strace:
        assert strace.stderr is not None
        told = strace.stderr.readline()
        if "attached" not in told:
            publication.kill()
            pytest.skip(f"strace may not attach to a process here: {told}")
        publication.tell("go")
        changes = (line for line in strace.stderr if str(scene.home) in line and " resumed>" not in line)
        for number, _ in enumerate(changes, start=1):
            if number == last:
                publication.kill()
    return publication.end() == 0


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
def test_a_publication_that_is_killed_at_any_change_of_a_file_publishes_once(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene, expected = world.scene, world.undisturbed
    monkeypatch.setenv("NIGHTSCHOOL_HOME", str(scene.home))
    world.restore()
    assert scene.night("waiting", after("recommend")).end() == -signal.SIGKILL
    waiting = shutil.copytree(scene.home, tmp_path / "waiting")
    for last in count(1):
        shutil.rmtree(scene.home)
        shutil.copytree(waiting, scene.home)
        ended = publish_until(scene, f"publication {last}", last)
        assert read_whole_release() in (world.first["release_id"], expected["release_id"]), last
        again = scene.publication(f"again {last}")
        again.tell("go")
        result = again.result()
        assert {**expected, **result} == expected, last
        assert read_whole_release() == expected["release_id"]
        if ended:
            break
    assert last > 50


# A night with a Prefect server of its own, as the command line runs it

ASSIGNMENTS = (
    'models=["popularity", "ease", "content"]',
    *(f"{name}={getattr(CONFIG, name)}" for name in ("k", "alpha_steps", "min_users", "window_days")),
    f"ease.l2={CONFIG.params['ease']['l2']}",
)
SERVER = "nightschool.cli.prefect_api"
COMMAND = (sys.executable, "-c", "from nightschool.cli import main; main()", "retrain", "--json")


def start_retrain(scene: Scene, out: Path) -> subprocess.Popen[bytes]:
    """The command, with a server of its own; what it prints is in `<out>.json` and `<out>.log`."""
    environment = {**os.environ, "NIGHTSCHOOL_HOME": str(scene.home), "PREFECT_HOME": str(scene.home / "prefect")}
    environment.pop(API_URL, None)
    told = [part for assignment in ASSIGNMENTS for part in ("--set", assignment)]
    # Not to pipes: a server that outlives the night would keep them open.
    with out.with_suffix(".json").open("wb") as stdout, out.with_suffix(".log").open("wb") as stderr:
        return subprocess.Popen(
            [*COMMAND, "--dataset", "learning", "--source-root", str(scene.source), *told],
            env=environment,
            stdout=stdout,
            stderr=stderr,
        )


def server_of(night: subprocess.Popen[bytes]) -> psutil.Process:
    """The temporary server that a night started."""
    children = psutil.Process(night.pid).children(recursive=True)
    return next(child for child in children if SERVER in child.cmdline())


@pytest.mark.parametrize("with_its_server", [False, True], ids=["the night alone", "with its server"])
def test_a_killed_command_goes_on(world: World, tmp_path: Path, with_its_server: bool) -> None:
    scene, log = world.scene, tmp_path / "rerun.log"
    world.restore()
    night = start_retrain(scene, tmp_path / "killed")
    try:
        deadline = time.monotonic() + PATIENCE
        while not list(scene.home.glob("nights/*/select.json")):
            assert night.poll() is None, (tmp_path / "killed.log").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.01)
        server = server_of(night)
        night.kill()
        if with_its_server:
            server.kill()
        night.wait()
        server.wait(PATIENCE)
        rerun = start_retrain(scene, tmp_path / "rerun")
        assert rerun.wait(PATIENCE) == 0, log.read_text()
    finally:
        night.kill()
        night.wait()
    assert json.loads((tmp_path / "rerun.json").read_text())["status"] == "published"
    found = [stage for stage in KEPT if f"{stage}: finished by an earlier try" in log.read_text()]
    assert found == list(KEPT[:3])
    history = Releases(Lake(scene.home / "lake", pl.Int64(), pl.Int64())).history()
    assert [row.status for row in history] == ["published", "published"]
    assert dict(history[-1].content_hashes) == world.undisturbed["content_hashes"]
