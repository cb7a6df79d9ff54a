"""What a store and a home had in common when they were brought together last."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple, Self

from nightschool.storage.durable import atomic_write_text


class Synced(NamedTuple):
    """A file as it was when both sides were alike.

    Attributes:
        size: Its bytes.
        changed: When it was changed here, in ns.
        tag: Of the object.
    """

    size: int
    changed: int
    tag: str


FETCHING: Final = Synced(-1, 0, "")
"""A file that is being fetched: what there is of it here is not the home's own."""


@dataclass
class SyncedFiles:
    """The files that both sides have, kept in a file of the home.

    Attributes:
        path: The file.
        store_id: The id of the store; empty while there is none.
        known: Name to what both have.
    """

    path: Path
    store_id: str = ""
    known: dict[str, Synced] = field(default_factory=dict)
    _before: str = ""

    @classmethod
    @contextmanager
    def of(cls, path: Path) -> Iterator[Self]:
        """Read the file, and write it again however the block ends, if anything has changed."""
        files = cls(path)
        if path.exists():
            files._before = path.read_text(encoding="utf-8")
            stored = json.loads(files._before)
            files.store_id = stored["store_id"]
            files.known = {name: Synced(*entry) for name, entry in stored["known"].items()}
        try:
            yield files
        finally:
            files.keep()

    def keep(self) -> None:
        """Write the file, if anything has changed."""
        text = json.dumps({"store_id": self.store_id, "known": self.known})
        if text != self._before and (self.store_id or self._before):
            atomic_write_text(self.path, text)
            self._before = text
