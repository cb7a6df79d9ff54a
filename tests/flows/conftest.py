"""One real Prefect server for all nights of the session, and a home in which nights are killed."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from nightschool.simulator.config import SimulatorConfig
from nightschool.simulator.simulate import simulate
from tests.application.hooks import Hook, hook
from tests.flows.servers import Servers, running
from tests.flows.victims import Scene, warm_up


@pytest.fixture(scope="session")
def told() -> Iterator[Hook]:
    """Where the servers and their nights send word to."""
    with hook() as found:
        yield found


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory, told: Hook) -> Iterator[Servers]:
    """What `nightschool up` started, once for all tests that need it; test_shutdown.py, the last, ends it."""
    with running(tmp_path_factory.mktemp("servers"), {"NIGHTSCHOOL_NOTIFY": told.address}) as started:
        yield started


@dataclass(frozen=True)
class World:
    """A home with one release, and source files that have grown since.

    Attributes:
        scene: Where the night happens.
        backup: The home as it was before the night.
        first: How the night before left the home.
        undisturbed: How the night leaves the home when nothing happens to it.
    """

    scene: Scene
    backup: Path
    first: dict[str, Any]
    undisturbed: dict[str, Any]

    def restore(self) -> None:
        """The home is as it was before the night."""
        shutil.rmtree(self.scene.home, ignore_errors=True)
        shutil.copytree(self.backup, self.scene.home)

    @contextmanager
    def watched(self, name: str) -> Iterator[list[str | None]]:
        """What a reader sees of the block, filled at its end: release after release, each of them whole."""
        reader = self.scene.reader(name)
        seen: list[str | None] = []
        try:
            yield seen
            seen += [release for release, _ in groupby(reader.stop())]
        finally:
            reader.kill()

    @contextmanager
    def before_the_first_night(self) -> Iterator[None]:
        """In the block, there is no home, and the source files are as the first night found them."""
        shutil.rmtree(self.scene.home, ignore_errors=True)
        with growing(self.scene.source / "engagements.csv"):
            yield


@contextmanager
def growing(file: Path) -> Iterator[None]:
    """The file has nine tenths of its lines in the block, and all of them after it."""
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join(lines[: len(lines) * 9 // 10]))
    try:
        yield
    finally:
        file.write_bytes(b"".join(lines))


@pytest.fixture(scope="session")
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> World:
    """A world whose night is still to come."""
    warm_up()
    folder = tmp_path_factory.mktemp("killed")
    scene = Scene(folder / "home", folder / "source", folder / "notes", request.getfixturevalue("prefect_api"))
    scene.notes.mkdir()
    simulate(SimulatorConfig(users=200, items=100, interactions=6_000, seed=1), scene.source)
    with growing(scene.source / "engagements.csv"):
        first = scene.night("first").result()
    shutil.copytree(scene.home, folder / "backup")
    return World(scene, folder / "backup", first, scene.night("undisturbed").result())
