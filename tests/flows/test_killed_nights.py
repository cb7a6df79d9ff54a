"""A night that is killed leaves the release of the night before, and goes on where it was when it is run again."""

import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from nightschool.data.simulator.config import SimulatorConfig
from nightschool.data.simulator.simulate import simulate
from nightschool.night.ledger import Ledger
from nightschool.storage.lake import Lake
from tests.flows.victims import STAGES, Moment, Scene, after, warm_up


@dataclass(frozen=True)
class World:
    """A home with one release, and a source that has grown since.

    Attributes:
        scene: Where the night happens.
        backup: The home as it was before the night.
        first: The release of the night before.
        undisturbed: What the night publishes when nothing happens to it.
    """

    scene: Scene
    backup: Path
    first: str
    undisturbed: dict[str, Any]

    def restore(self) -> None:
        shutil.rmtree(self.scene.home)
        shutil.copytree(self.backup, self.scene.home)


@pytest.fixture(scope="module")
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> World:
    warm_up()
    folder = tmp_path_factory.mktemp("killed")
    scene = Scene(folder / "home", folder / "source", folder / "notes", request.getfixturevalue("prefect_api"))
    scene.notes.mkdir()
    simulate(SimulatorConfig(users=200, items=100, interactions=6_000, seed=1), scene.source)
    with growing(scene.source / "engagements.csv"):
        first = scene.night("first").result()
    shutil.copytree(scene.home, folder / "backup")
    undisturbed = scene.night("undisturbed").result()
    return World(scene, folder / "backup", first["release_id"], undisturbed)


@contextmanager
def growing(file: Path) -> Iterator[None]:
    """The file has nine tenths of its lines in the block, and all of them after it."""
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join(lines[: len(lines) * 9 // 10]))
    yield
    file.write_bytes(b"".join(lines))


MOMENTS = {
    "before the ledger": (Moment(Ledger, "write", after=False), 0),
    "after ingest": (Moment(Ledger, "write"), 0),
    "after select": (after("select"), 3),
    "after prove": (after("prove"), 4),
    "after refit": (after("refit"), 5),
    "after recommend": (after("recommend"), 6),
    "between tables and pointer": (Moment(Lake, "append_after", after=False), 6),
    "after the pointer": (Moment(Lake, "append_after"), 6),
}


@pytest.mark.parametrize("name", MOMENTS)
def test_a_killed_night_goes_on_and_publishes_once(world: World, name: str) -> None:
    moment, n_finished = MOMENTS[name]
    world.restore()
    reader = world.scene.reader(f"reader {name}")
    killed = world.scene.night(f"killed {name}", moment)
    assert killed.end() == -signal.SIGKILL, killed.log()
    with pytest.raises(ProcessLookupError):
        os.killpg(killed.pid, 0)
    rerun = world.scene.night(f"rerun {name}")
    result = rerun.result()
    seen = reader.stop()

    assert tuple(killed.stages()) == STAGES[:n_finished]
    assert tuple(rerun.stages()) == STAGES[n_finished:]
    assert {**result, "status": "", "accepted": 0} == {**world.undisturbed, "status": "", "accepted": 0}
    assert [release for release, _ in groupby(seen)] == [world.first, world.undisturbed["release_id"]]
