"""Recognition of errors that libraries raise when the machine or a service fails."""

import errno
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from nightschool.errors import NightschoolError, Unavailable

INTERRUPTED: Final = 130
"""The exit code of a command that Ctrl-C ended."""

_LONGEST = 200


@dataclass(frozen=True)
class _Shortage:
    """One failure of the machine: its error numbers, the words that libraries use for it, what to do."""

    what: str
    numbers: frozenset[int]
    words: tuple[str, ...]
    do: str


_SHORTAGES: Final = (
    _Shortage(
        "the disk is full",
        frozenset({errno.ENOSPC, errno.EDQUOT}),
        ("no space left on device", "disk is full", "disk quota exceeded"),
        "free some space, for instance with `nightschool releases prune --keep 5`, and run the same command again",
    ),
    _Shortage(
        "the file system is read-only",
        frozenset({errno.EROFS}),
        ("read-only file system", "readonly database"),
        "mount it for writing, or choose another home with --home",
    ),
    _Shortage(
        "a file or folder may not be used by this account",
        frozenset({errno.EACCES, errno.EPERM}),
        ("permission denied", "operation not permitted"),
        "give this account the permission, or choose another home with --home",
    ),
    _Shortage(
        "the disk cannot be read or written",
        frozenset({errno.EIO}),
        ("input/output error", "disk i/o error"),
        "check the disk and its mount, and run the same command again",
    ),
    _Shortage(
        "memory ran out",
        frozenset({errno.ENOMEM}),
        ("cannot allocate memory", "out of memory", "bad allocation"),
        "end other programs, or lower NIGHTSCHOOL_BLOCK_MEGABYTES",
    ),
)


def explain(error: BaseException) -> Unavailable | None:
    """Return the one-line error for a failure of the machine or a server; None for any other error.

    Searches the chain of causes, because libraries wrap the errors of the system. Errors that Nightschool raised itself
    are complete, and those that follow from Ctrl-C are no failure of the machine.
    """
    if isinstance(error, NightschoolError) or is_interrupt(error):
        return None
    chain = list(_chain(error))
    for link in chain:
        shortage = next((each for each in _SHORTAGES if _is(each, link)), None)
        if shortage is not None:
            return Unavailable(shortage.what, seen=_line(link), do=shortage.do)
    silent = next((link for link in chain if _is_no_answer(link)), None)
    if silent is None:
        return None
    return Unavailable(
        "a server does not answer",
        seen=_line(silent),
        do="start it (`nightschool up` starts Prefect's and MLflow's), or unset PREFECT_API_URL",
    )


def is_interrupt(error: BaseException) -> bool:
    """Return whether an error comes from Ctrl-C: libraries that clean up after it may raise one of their own."""
    return not isinstance(error, NightschoolError) and any(
        isinstance(link, KeyboardInterrupt) for link in _chain(error)
    )


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        yield link
        link = link.__cause__ or link.__context__


def _is(shortage: _Shortage, error: BaseException) -> bool:
    if isinstance(error, MemoryError):
        return errno.ENOMEM in shortage.numbers
    if isinstance(error, OSError) and error.errno in shortage.numbers:
        return True
    text = str(error).lower()
    return any(words in text for words in shortage.words)


def _is_no_answer(error: BaseException) -> bool:
    # Looked up among the loaded modules: most commands never import it.
    httpx = sys.modules.get("httpx")
    if httpx is not None and isinstance(error, httpx.TransportError):
        return True
    return isinstance(error, RuntimeError) and str(error).startswith("Failed to reach API at")


def _line(error: BaseException) -> str:
    """Return the error in one short line, never empty."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[0] if lines else type(error).__name__)[:_LONGEST]
