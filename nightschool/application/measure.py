"""Measurement of a night's stages: seconds, those of its processors, and the peak memory of the process."""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import psutil

from nightschool.interrupts import raise_if_interrupted

_EVERY_SECONDS = 0.2
_GIGABYTE = 1e9

Figures = dict[str, dict[str, float]]

_figures: ContextVar[Figures | None] = ContextVar("figures", default=None)


@contextmanager
def collecting() -> Iterator[Figures]:
    """Collect what is measured in the block, by stage: {"seconds": …, "cpu_seconds": …, "gigabytes": …}."""
    figures: Figures = {}
    token = _figures.set(figures)
    try:
        yield figures
    finally:
        _figures.reset(token)


@contextmanager
def measured(stage: str) -> Iterator[None]:
    """Measure the block as a stage, inside of `collecting`; one that fails is measured too.

    Raises:
        KeyboardInterrupt: Ctrl-C was pressed before or in the block, and a library swallowed it.
    """
    raise_if_interrupted()
    figures = _figures.get()
    if figures is None:
        yield
        raise_if_interrupted()
        return
    started, busy = time.perf_counter(), _cpu_seconds()
    with _Peak() as peak:
        try:
            yield
        finally:
            seconds = time.perf_counter() - started
            figures[stage] = {
                "seconds": round(seconds, 3),
                "cpu_seconds": round(_cpu_seconds() - busy, 3),
                "gigabytes": round(peak.look() / _GIGABYTE, 3),
            }
    raise_if_interrupted()


def _cpu_seconds() -> float:
    """Return what all threads of the process, and the children that it waited for, have used so far."""
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


class _Peak:
    """The peak of the resident set, sampled by a thread several times a second."""

    def __init__(self) -> None:
        self._process = psutil.Process()
        self._largest = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="peak memory", daemon=True)

    def __enter__(self) -> "_Peak":
        self.look()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def look(self) -> int:
        """Return the largest resident set so far, in bytes."""
        self._largest = max(self._largest, self._process.memory_info().rss)
        return self._largest

    def _watch(self) -> None:
        while not self._ended.wait(_EVERY_SECONDS):
            self.look()
