"""Imports without garbage collection: what they make stays until the end, and looking through it takes seconds."""

import atexit
import gc
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


def skip_last_collection() -> None:
    """Leave all objects out of the collection at the interpreter's end, whose process frees them at once."""
    atexit.register(gc.freeze)
