"""How far long work has come: a bar on a terminal, on standard error, and a report to whoever asked for one."""

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

from rich.console import Console
from rich.progress import track

T = TypeVar("T")

Report = Callable[[str, float], None]
"""Called with what is being done, and the share of it that is done."""

_console = Console(stderr=True)
_report: ContextVar[Report | None] = ContextVar("report", default=None)


@contextmanager
def reporting_to(report: Report) -> Iterator[None]:
    """Report every step that is watched in the block."""
    token = _report.set(report)
    try:
        yield
    finally:
        _report.reset(token)


def watch(steps: Iterable[T], description: str, total: int) -> Iterator[T]:
    """Yield the steps; show a progress bar meanwhile, and report each step that is done."""
    report = _report.get()
    shown = track(steps, description, total, console=_console, transient=True, disable=not sys.stderr.isatty())
    for done, step in enumerate(shown, start=1):
        yield step
        if report is not None:
            report(description, done / total)
