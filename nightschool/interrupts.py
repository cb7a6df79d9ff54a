"""Ctrl-C that no library can swallow: it is delivered again, or raised between the stages of a night."""

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

_PRESSED: Final = threading.Event()


@contextmanager
def insisting_on_interrupts() -> Iterator[None]:
    """Remember each Ctrl-C in the block, and deliver it again where a finalizer or weakref callback dropped it.

    Where SIGINT is ignored or handled by somebody else, it stays so.
    """
    before = signal.getsignal(signal.SIGINT)
    if before is not signal.default_int_handler:
        yield
        return
    _PRESSED.clear()
    signal.signal(signal.SIGINT, _remember)
    sys.unraisablehook = _deliver_again
    try:
        yield
    finally:
        sys.unraisablehook = sys.__unraisablehook__
        signal.signal(signal.SIGINT, before)
        _PRESSED.clear()


def raise_if_interrupted() -> None:
    """Raise KeyboardInterrupt if Ctrl-C was pressed; call it where work can be interrupted.

    Raises:
        KeyboardInterrupt: A library swallowed the one that Ctrl-C raised.
    """
    if _PRESSED.is_set():
        raise KeyboardInterrupt


def _remember(number: int, frame: FrameType | None) -> None:
    _PRESSED.set()
    signal.default_int_handler(number, frame)


def _deliver_again(unraisable: "sys.UnraisableHookArgs") -> None:
    if unraisable.exc_type is KeyboardInterrupt:
        # A little later: here it would be dropped as well.
        threading.Timer(0.1, signal.pthread_kill, [threading.get_ident(), signal.SIGINT]).start()
    else:
        sys.__unraisablehook__(unraisable)
