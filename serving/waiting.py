"""Threads for blocking work: a few for writes and others for reads, so that neither delays the other."""

from collections.abc import Callable
from functools import partial
from typing import Final, ParamSpec, TypeVar

from anyio import CapacityLimiter
from anyio.to_thread import run_sync

WRITERS: Final = 16
"""Writes at once: events that wait are stored together, all else is taken one by one."""

READERS: Final = 24
"""Lists and pages made at once."""

_writers: Final = CapacityLimiter(WRITERS)
_readers: Final = CapacityLimiter(READERS)
_Args = ParamSpec("_Args")
_Answer = TypeVar("_Answer")


async def write(work: Callable[_Args, _Answer], *args: _Args.args, **named: _Args.kwargs) -> _Answer:
    """Run work that writes and return its result; the middleware bounds the wait for a thread."""
    return await run_sync(partial(work, *args, **named), limiter=_writers)


async def read(work: Callable[_Args, _Answer], *args: _Args.args, **named: _Args.kwargs) -> _Answer:
    """Run work that reads and return its result; it never waits for writers."""
    return await run_sync(partial(work, *args, **named), limiter=_readers)
