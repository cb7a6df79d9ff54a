"""One night at a time in a home: a lock that the kernel frees when its process dies."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nightschool.errors import Busy


@contextmanager
def home_lock(path: Path) -> Iterator[None]:
    """Hold the lock file at `path` for the length of the block.

    Raises:
        Busy: Another process, or another part of this one, holds it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        _take(descriptor, path)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield
    finally:
        # The file stays: removing it would let two processes hold locks on two files of the same name.
        os.close(descriptor)


def _take(descriptor: int, path: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        holder = os.pread(descriptor, 20, 0).decode()
        raise Busy(
            f"home {path.parent} is locked",
            seen=f"process {holder}" if holder else "a process that is just starting",
            do="wait for it to end, or stop it",
        ) from error


@contextmanager
def locked(path: Path, *, waiting: bool = True) -> Iterator[None]:
    """Hold a lock file for the length of the block.

    Raises:
        BlockingIOError: Another process holds it, and nobody waits.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX if waiting else fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
