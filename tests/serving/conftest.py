"""One simulated home with a release for every test that only reads, and a copy of it for each that writes."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from shutil import copytree

import pytest

from nightschool.contract import Dataset
from nightschool.night.config import NightConfig
from nightschool.night.prepare import event_log
from nightschool.settings import HomePaths
from nightschool.storage.home import Home
from nightschool.storage.lake import Lake
from nightschool.storage.release_reader import Reader
from nightschool.storage.releases import Release, Releases
from serving.snapshot import Snapshot
from tests.serving.client import Api
from tests.serving.homes import make_home, publish


@dataclass(frozen=True, eq=False)
class Served:
    """A home and the release that its readers get."""

    home: Home
    release: Release
    snapshot: Snapshot

    @property
    def dataset(self) -> Dataset:
        """What the release was fitted on."""
        manifest = self.snapshot.manifest
        return event_log(self.home.lake, manifest, self.release.as_of, NightConfig(k=self.snapshot.k)).dataset()


def opened(home: Home, release: Release) -> Served:
    """A home's release, opened as the service opens it."""
    return Served(home, release, Snapshot.load(Reader(home, release)))


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Served:
    """A release by a hybrid of ease and content; nobody may write to its home."""
    home = make_home(tmp_path_factory.mktemp("served") / "home")
    return opened(home, publish(home))


@pytest.fixture
def own_home(served: Served, tmp_path: Path) -> Home:
    """A copy of the served home, to write to."""
    return copied(served.home, tmp_path / "own")


def copied(home: Home, root: Path) -> Home:
    """The same home in another folder."""
    copytree(home.paths.root, root)
    lake = Lake(HomePaths(root).lake, home.binding.user_dtype, home.binding.item_dtype)
    return Home(HomePaths(root), home.binding, lake, Releases(lake))


@pytest.fixture(scope="session")
def texts(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home whose ids are texts; nobody may write to it."""
    home = make_home(tmp_path_factory.mktemp("texts") / "home", user_id="String", item_id="String")
    publish(home)
    return home


@pytest.fixture(scope="session")
def reading(served: Served, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """What serves the home, for tests that send no event."""
    with Api.over(copied(served.home, tmp_path_factory.mktemp("reading") / "home")) as api:
        yield api


@pytest.fixture
def writing(own_home: Home) -> Iterator[Api]:
    """What serves a copy of the home, for tests that change it."""
    with Api.over(own_home) as api:
        yield api
