"""Imports without garbage collection: what they make stays until the end, and looking through it takes seconds."""

import atexit
import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def importing() -> Iterator[None]:
    """Import in the block without garbage collection; later collections skip what was imported."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


@contextmanager
def absent(package: str) -> Iterator[None]:
    """Import in the block as if a package were not installed, whether or not it is."""
    found = {name: module for name, module in sys.modules.items() if name.partition(".")[0] == package}
    for name in found:
        del sys.modules[name]
    sys.modules[package] = None  # type: ignore[assignment]  # what makes an import of it fail
    try:
        yield
    finally:
        del sys.modules[package]
        sys.modules.update(found)


def skip_last_collection() -> None:
    """Leave all objects out of the collection at the interpreter's end, whose process frees them at once."""
    atexit.register(gc.freeze)
