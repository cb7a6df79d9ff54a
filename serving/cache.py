"""Answers that are kept while nothing changes, as many as fit into so many bytes."""

from collections.abc import Hashable
from threading import Lock
from typing import Generic, Protocol, TypeVar


class Sized(Protocol):
    """What knows how many bytes it takes."""

    @property
    def size(self) -> int:
        """Bytes."""


Kept = TypeVar("Kept", bound=Sized)


class Cache(Generic[Kept]):
    """Answers by what was asked; those that nobody asked for lately go first.

    What comes in goes into the younger half. Once that is full, it becomes the older one, of which only what is asked
    for again stays. So that looking up changes nothing but what is asked for again.
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
