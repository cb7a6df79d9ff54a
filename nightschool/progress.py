"""Progress bars for long work: on a terminal only, on standard error."""

import sys
from collections.abc import Iterable
from typing import TypeVar

from rich.console import Console
from rich.progress import track

T = TypeVar("T")

_console = Console(stderr=True)


def watch(steps: Iterable[T], description: str, total: int) -> Iterable[T]:
    """Yield the steps, and show a progress bar meanwhile."""
    return track(steps, description, total, console=_console, transient=True, disable=not sys.stderr.isatty())
