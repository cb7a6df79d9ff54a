import pytest

from nightschool.settings import HomePaths, Settings
from nightschool.storage.home_version import VERSION, home_version
from nightschool.storage.upgrade import upgrade


@pytest.fixture
def paths() -> HomePaths:
    paths = Settings().paths
    paths.root.mkdir()
    return paths


def test_an_older_home_is_of_this_version_once_it_was_upgraded(paths: HomePaths) -> None:
    assert upgrade(paths)
    assert home_version(paths) == VERSION
    assert not upgrade(paths)
