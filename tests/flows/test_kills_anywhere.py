"""Nights that are killed at random instants, at every system call that changes a file, and with their servers."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from itertools import count, groupby
from pathlib import Path

import polars as pl
import psutil
import pytest

from nightschool.storage.lake import Lake
from nightschool.storage.releases import Releases
from tests.flows.conftest import World
from tests.flows.victims import CONFIG, PATIENCE, STAGES, Process, Scene, after, read_whole_release

pytestmark = pytest.mark.slow

INSTANTS = range(20)
DURATION = 6.0
"""About as many seconds as a night takes; one that is quicker is not killed."""


def killed_at(rng: random.Random, scene: Scene, name: str) -> Process:
    night = scene.night(name)
    time.sleep(rng.uniform(0.0, DURATION))
    night.kill()
    assert night.end() in (0, -signal.SIGKILL), night.log()
    return night


@pytest.mark.parametrize("seed", INSTANTS)
def test_a_night_that_is_killed_at_any_instants_publishes_once(world: World, seed: int) -> None:
    rng = random.Random(seed)
    world.restore()
    reader = world.scene.reader(f"reader {seed}")
    for attempt in range(rng.randint(1, 3)):
        killed_at(rng, world.scene, f"killed {seed} {attempt}")
    result = world.scene.night(f"rerun {seed}").result()
    told = ("status", "accepted")
    assert {**result, **dict.fromkeys(told)} == {**world.undisturbed, **dict.fromkeys(told)}
    seen = [release for release, _ in groupby(reader.stop())]
    assert seen == [world.first["release_id"], result["release_id"]]


@pytest.mark.parametrize("seed", INSTANTS)
def test_a_first_night_that_is_killed_at_any_instants_publishes_once(world: World, seed: int) -> None:
    rng = random.Random(seed)
    with world.before_the_first_night():
        reader = world.scene.reader(f"first reader {seed}")
        for attempt in range(rng.randint(1, 3)):
            killed_at(rng, world.scene, f"first killed {seed} {attempt}")
        result = world.scene.night(f"first rerun {seed}").result()
    told = ("status", "accepted")
    assert {**result, **dict.fromkeys(told)} == {**world.first, **dict.fromkeys(told)}
    assert [release for release, _ in groupby(reader.stop())] == [None, result["release_id"]]


# Every system call of a publication

CHANGES = (
    "write,pwrite64,writev,pwritev,ftruncate,truncate,fallocate,copy_file_range,mkdir,mkdirat,rmdir,"
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
COMMAND = (sys.executable, "-c", "from nightschool.cli import main; main()", "retrain", "--json")


def retrain(scene: Scene, log: Path) -> subprocess.Popen[str]:
    """The command, in a process group of its own."""
    environment = {**os.environ, "NIGHTSCHOOL_HOME": str(scene.home), "PREFECT_HOME": str(scene.home / "prefect")}
    told = [part for assignment in ASSIGNMENTS for part in ("--set", assignment)]
    with log.open("w") as stderr:
        return subprocess.Popen(
            [*COMMAND, "--dataset", "learning", "--source-root", str(scene.source), *told],
            env=environment,
            start_new_session=True,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        )


def group(leader: int) -> list[psutil.Process]:
    """The processes of a group that are alive."""
    alive = (process for process in psutil.process_iter() if process.status() != psutil.STATUS_ZOMBIE)
    return [process for process in alive if os.getpgid(process.pid) == leader]


@pytest.mark.parametrize("kill", [os.kill, os.killpg], ids=["the night alone", "with its server"])
def test_a_killed_command_goes_on(world: World, tmp_path: Path, kill: Callable[[int, int], None]) -> None:
    scene = world.scene
    world.restore()
    night = retrain(scene, tmp_path / "killed.log")
    try:
        deadline = time.monotonic() + PATIENCE
        while not list(scene.home.glob("nights/*/select.json")):
            assert night.poll() is None, (tmp_path / "killed.log").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert len(group(night.pid)) > 1
        kill(night.pid, signal.SIGKILL)
        night.communicate()
        if kill is os.killpg:
            assert group(night.pid) == []
        rerun = retrain(scene, tmp_path / "rerun.log")
        out, _ = rerun.communicate(timeout=PATIENCE)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(night.pid, signal.SIGKILL)
    log = (tmp_path / "rerun.log").read_text()
    assert rerun.returncode == 0, log
    assert json.loads(out)["status"] == "published"
    assert [stage for stage in STAGES if f"{stage}: finished by an earlier try" in log] == list(STAGES[:3])
    assert group(rerun.pid) == []
    history = Releases(Lake(scene.home / "lake", pl.Int64(), pl.Int64())).history()
    assert [row.status for row in history] == ["published", "published"]
    assert dict(history[-1].content_hashes) == world.undisturbed["content_hashes"]
