"""The names of files in a store, and in which order they are put there and fetched."""

from pathlib import Path
from typing import Final

from nightschool.columns import RELEASES

LOG: Final = "_delta_log"
HINT: Final = "_last_checkpoint"
RELEASES_TABLE: Final = f"lake/{RELEASES.name}/"


def is_commit(name: str) -> bool:
    """Return whether it is a commit in the log of a table."""
    return _is_logged(name) and name.endswith(".json")


def is_of_releases(name: str) -> bool:
    """Return whether it is of the log of releases, which comes last."""
    return name.startswith(f"{RELEASES_TABLE}{LOG}/")


def fetch_order(name: str) -> tuple[object, ...]:
    """Files of tables first, then logs: checkpoints, on which commits build, commits, and the hint; releases' last."""
    return is_of_releases(name), _is_logged(name), name.endswith(f"/{HINT}"), is_commit(name), name


def put_order(name: str, file: Path) -> tuple[object, ...]:
    """Files of tables first; then commits in the order in which they were made here; then checkpoints and hints.

    A checkpoint is put once its commit is, which may be refused.
    """
    made = file.stat().st_mtime_ns if is_commit(name) else 0
    later = _is_logged(name) and not is_commit(name)
    return is_of_releases(name), _is_logged(name), later, name.endswith(f"/{HINT}"), made, name


def _is_logged(name: str) -> bool:
    parts = name.split("/")
    return len(parts) > 2 and parts[-2] == LOG
