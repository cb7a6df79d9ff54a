import pytest

from nightschool.errors import ConfigurationError
from nightschool.settings import HomePaths, Settings
from nightschool.storage.home_version import VERSION, home_version, require_readable


@pytest.fixture
def paths() -> HomePaths:
    paths = Settings().paths
    paths.root.mkdir()
    return paths


def test_a_home_without_a_version_is_of_the_first(paths: HomePaths) -> None:
    assert home_version(paths) == 1
    require_readable(paths)


def test_a_newer_home_is_refused(paths: HomePaths) -> None:
    paths.version.write_text(f"{VERSION + 1}\n")
    with pytest.raises(ConfigurationError, match=f"version {VERSION + 1}, and this one knows {VERSION}"):
        require_readable(paths)


def test_a_version_that_is_none_is_told(paths: HomePaths) -> None:
    paths.version.write_text("two")
    with pytest.raises(ConfigurationError, match=r"holds no version of a home.*two.*restore it"):
        require_readable(paths)
