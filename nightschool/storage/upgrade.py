"""Bringing a home that an older state of the code wrote to the version of this one, at its first use."""

from collections.abc import Callable, Mapping
from typing import Final

from nightschool.settings import HomePaths
from nightschool.sqlite import SQLITE
from nightschool.storage.database import open_database
from nightschool.storage.durable import atomic_write_text
from nightschool.storage.home_version import VERSION, home_version
from nightschool.storage.mlflow_addresses import relocate


def upgrade(paths: HomePaths) -> bool:
    """Return whether the home was of an older version and now is of this one. Call it under the home's lock.

    Each step can be taken again: one that was killed is taken anew at the next use.
    """
    found = home_version(paths)
    if found >= VERSION:
        return False
    for version in range(found, VERSION):
        _STEPS[version](paths)
    atomic_write_text(paths.version, f"{VERSION}\n")
    return True


def _from_1(paths: HomePaths) -> None:
    """Complete the tables of events.db, and bring MLflow's addresses home."""
    if paths.events_database.exists():
        open_database(f"{SQLITE}{paths.events_database}").dispose()
    relocate(paths.mlflow_database, paths.mlflow_artifacts)


_STEPS: Final[Mapping[int, Callable[[HomePaths], None]]] = {1: _from_1}
"""From each version to the next."""
