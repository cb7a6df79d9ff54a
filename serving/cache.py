"""A cache of responses, bounded by their bytes."""

from collections.abc import Hashable
from threading import Lock
from typing import Generic, Protocol, TypeVar


class Sized(Protocol):
    """A value that knows its size in memory."""

    @property
    def size(self) -> int:
        """Return the size in bytes."""


Kept = TypeVar("Kept", bound=Sized)


class Cache(Generic[Kept]):
    """Responses by request; those that were not requested lately are evicted first.

    New entries go into the younger half. Once that is full, it becomes the older half, from which an entry moves back
    when it is requested again. So a lookup in the younger half changes nothing.
    """

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes // 2
        self._lock = Lock()
        self._younger: dict[Hashable, Kept] = {}
        self._older: dict[Hashable, Kept] = {}
        self._n_bytes = 0

    def get(self, asked: Hashable) -> Kept | None:
        """Return the answer to a request, or None if it is not cached."""
        found = self._younger.get(asked)
        if found is None and (found := self._older.get(asked)) is not None:
            self.put(asked, found)
        return found

    def put(self, asked: Hashable, kept: Kept) -> None:
        """Cache an answer."""
        with self._lock:
            if asked not in self._younger:
                self._n_bytes += kept.size
            self._younger[asked] = kept
            if self._n_bytes > self._most_bytes:
                self._older, self._younger, self._n_bytes = self._younger, {}, 0

    def clear(self) -> None:
        """Remove all answers."""
        with self._lock:
            self._older, self._younger, self._n_bytes = {}, {}, 0
