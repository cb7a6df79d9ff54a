"""Memory that the workers of one server share: marks of each user's events and showings, and the rate limit of keys."""

import mmap
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from fcntl import LOCK_EX, LOCK_UN, flock
from itertools import islice
from pathlib import Path
from tempfile import mkstemp
from threading import Lock
from typing import Final
from weakref import finalize
from zlib import crc32

import numpy as np

FILE: Final = "workers"
"""The file in the folder that the workers of a server share."""

_MARKS: Final = 1 << 20
"""Users whose ids have the same hash share a mark: their lists are recomputed together, which only costs time."""

_KEYS: Final = 1 << 12
_AT_ONCE: Final = 100_000
_BYTES: Final = 8 * (3 * _MARKS + _KEYS)


class Shared:
    """Marks of users that rise with their events, and when each key may ask again.

    Every worker reads them at each request, which takes less than a microsecond, and writes them before it answers one
    that changed something.
    """

    def __init__(self, folder: Path | None = None) -> None:
        """Open the memory that the workers of a folder share, or memory of this process alone."""
        self._file = _opened(folder)
        finalize(self, os.close, self._file)
        self._lock = Lock()
        with self._alone():
            if os.fstat(self._file).st_size < _BYTES:
                os.truncate(self._file, _BYTES)
        memory = mmap.mmap(self._file, _BYTES)
        self._marks = memoryview(memory)[: 24 * _MARKS].cast("q")
        self._events = np.frombuffer(memory, np.int64, _MARKS)
        self._undone = np.frombuffer(memory, np.int64, _MARKS, 8 * _MARKS)
        self._showings = np.frombuffer(memory, np.int64, _MARKS, 16 * _MARKS)
        self._next = memoryview(memory)[24 * _MARKS :].cast("d")

    def mark(self, user_id: str) -> tuple[int, int]:
        """Return a version of a user's events; it changes with each event or undo that can change a list."""
        place = _place(user_id, _MARKS)
        return self._marks[place], self._marks[_MARKS + place]

    def note_events(self, newest: Iterable[tuple[str, int]]) -> None:
        """Raise users' marks to the sequences of their events."""
        self._raise(self._events, newest)

    def note_undone(self, newest: Iterable[tuple[str, int]]) -> None:
        """Raise users' marks to the sequences of what they undid."""
        self._raise(self._undone, newest)

    def showings_mark(self, user_id: str) -> int:
        """Return a version of what a user was shown; it changes with each impression."""
        return self._marks[2 * _MARKS + _place(user_id, _MARKS)]

    def note_showings(self, newest: Iterable[tuple[str, int]]) -> None:
        """Raise users' marks to the sequences of their impressions."""
        self._raise(self._showings, newest)

    def wait_of(self, key: str, per_second: float) -> float:
        """Return the seconds until a key may ask again, 0 where it may now and then counts as having asked.

        Up to a second's worth may come at once.
        """
        place, now, step = _place(key, _KEYS), time.monotonic(), 1 / per_second
        due = max(self._next[place], now)
        wait = due - now - max(1.0 - step, 0.0)
        if wait > 0:
            return wait
        self._next[place] = due + step
        return 0.0

    def _raise(self, marks: "np.ndarray[tuple[int], np.dtype[np.int64]]", newest: Iterable[tuple[str, int]]) -> None:
        rows = iter(newest)
        while some := list(islice(rows, _AT_ONCE)):
            places = np.fromiter((_place(user_id, _MARKS) for user_id, _ in some), np.int64, len(some))
            sequences = np.fromiter((sequence for _, sequence in some), np.int64, len(some))
            with self._alone():
                np.maximum.at(marks, places, sequences)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Exclude other threads and workers from writing."""
        with self._lock:
            flock(self._file, LOCK_EX)
            try:
                yield
            finally:
                flock(self._file, LOCK_UN)


def _opened(folder: Path | None) -> int:
    """Return the open file; it has no name where a single process uses it."""
    if folder is not None:
        return os.open(folder / FILE, os.O_CREAT | os.O_RDWR, 0o600)
    file, name = mkstemp()
    Path(name).unlink()
    return file


def _place(name: str, n: int) -> int:
    return crc32(name.encode(errors="surrogatepass")) % n
