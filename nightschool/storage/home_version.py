"""Which state of the code wrote a home; one that a newer state wrote is refused."""

from typing import Final

from nightschool.errors import ConfigurationError
from nightschool.settings import HomePaths

VERSION: Final = 2
"""The version that this code writes. Raise it where a home must be changed, or where older code must not write it."""


def home_version(paths: HomePaths) -> int:
    """Return the version of the home; 1 for one that was written before homes had one, or that is new.

    Raises:
        ConfigurationError: The version file holds something else than a number.
    """
    try:
        return int(paths.version.read_text(encoding="ascii"))
    except FileNotFoundError:
        return 1
    except NotADirectoryError:
        return VERSION
    except ValueError as error:
        seen, do = str(error)[-60:], "restore it from a backup"
        raise ConfigurationError(f"{paths.version} holds no version of a home", seen=seen, do=do) from error


def require_readable(paths: HomePaths) -> None:
    """Return when this code knows homes of this version.

    Raises:
        ConfigurationError: A newer state of the code wrote it, and this one might damage it.
    """
    version = home_version(paths)
    if version > VERSION:
        raise ConfigurationError(
            f"a newer Nightschool wrote home {paths.root}",
            seen=f"version {version}, and this one knows {VERSION}",
            do="update this installation, or choose another --home",
        )
