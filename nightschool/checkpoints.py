"""Where a long fit leaves what a later try of the same fit goes on from."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

_FOLDER: ContextVar[Path | None] = ContextVar("checkpoints", default=None)


@contextmanager
def checkpoints_below(folder: Path) -> Iterator[None]:
    """Let the fits of the block, in this thread, keep checkpoints below a folder."""
    token = _FOLDER.set(folder)
    try:
        yield
    finally:
        _FOLDER.reset(token)


def checkpoint_folder(name: str) -> Path | None:
    """Return the folder of one fit's checkpoints, which may not exist yet; None where nothing is kept."""
    folder = _FOLDER.get()
    return None if folder is None else folder / name
