"""Paths and globs below the source root, as a manifest names them."""

from pathlib import PurePath, PureWindowsPath
from typing import Annotated, Final

from pydantic import AfterValidator

_LONGEST_NAME: Final = 255
"""Bytes that file systems allow in the name of a file."""


def below_the_root(pattern: str) -> str:
    """Return the path or glob, if it stays below the source root.

    Raises:
        ValueError: It is empty or absolute, leads upwards, or has a name that no file can have.
    """
    path, windows = PurePath(pattern), PureWindowsPath(pattern)
    if not pattern or path.is_absolute() or windows.drive or windows.root or ".." in windows.parts:
        raise ValueError("give a path or glob below the source root, neither absolute nor with '..'")
    if any(len(part.encode()) > _LONGEST_NAME or ("**" in part and part != "**") for part in path.parts):
        raise ValueError(f"give names of at most {_LONGEST_NAME} bytes, and ** alone between slashes")
    return pattern


Pattern = Annotated[str, AfterValidator(below_the_root)]
"""A path or glob of a manifest."""
