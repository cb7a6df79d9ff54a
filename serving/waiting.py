"""Where blocking work runs: few threads for what writes, others for what reads, so that neither holds up the other."""

from collections.abc import Callable
from functools import partial
from typing import Final, ParamSpec, TypeVar

from anyio import CapacityLimiter
from anyio.to_thread import run_sync

WRITERS: Final = 4
"""Writes to the events at once; SQLite takes them one by one anyway."""

READERS: Final = 24
"""Lists that are made, and pages that are drawn, at once."""

_writers: Final = CapacityLimiter(WRITERS)
_readers: Final = CapacityLimiter(READERS)
_Told = ParamSpec("_Told")
_Answer = TypeVar("_Answer")


async def write(work: Callable[_Told, _Answer], *told: _Told.args, **named: _Told.kwargs) -> _Answer:
    """Run work that writes and return its result; the middleware bounds the wait for a thread."""
    return await run_sync(partial(work, *told, **named), limiter=_writers)


async def read(work: Callable[_Told, _Answer], *told: _Told.args, **named: _Told.kwargs) -> _Answer:
    """Run work that reads and return its result; it never waits for writers."""
    return await run_sync(partial(work, *told, **named), limiter=_readers)
