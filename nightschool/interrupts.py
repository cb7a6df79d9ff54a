"""Ctrl-C that no library can swallow: it is remembered, and asked for again between the stages of a night."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

_PRESSED: Final = threading.Event()


@contextmanager
def remembering_interrupts() -> Iterator[None]:
    """Remember a Ctrl-C that comes in the block, besides raising KeyboardInterrupt for it.

    Where SIGINT is ignored or handled by somebody else, it stays so.
    """
    before = signal.getsignal(signal.SIGINT)
    if before is not signal.default_int_handler:
        yield
        return
    _PRESSED.clear()
    signal.signal(signal.SIGINT, _remember)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        _PRESSED.clear()


def raise_if_interrupted() -> None:
    """Return when Ctrl-C was not pressed; call it where work can be left.

    Raises:
        KeyboardInterrupt: It was, and whoever got the first KeyboardInterrupt kept it to itself.
    """
    if _PRESSED.is_set():
        raise KeyboardInterrupt


def _remember(number: int, frame: FrameType | None) -> None:
    _PRESSED.set()
    signal.default_int_handler(number, frame)
