"""The API keys in memory, which a background thread reloads."""

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from nightschool.storage.keys import Key, Keys, hash_of

USES_KEPT_SECONDS: Final = 60.0
"""How often the times of the last uses are stored: not with each request, which would have to write then."""


class Keyring:
    """Every key by its hash; a new or revoked one is noticed at the next refresh.

    Attributes:
        known: Whether the keys have been read.
        locked: Whether there is or ever was a key; from then on every request needs one.
    """

    def __init__(self, keys: Keys) -> None:
        self._keys = keys
        self._by_hash: Mapping[str, Key] = {}
        self._used: dict[str, datetime] = {}
        self._kept_at = time.monotonic()
        self.known = False
        self.locked = False

    def refresh(self) -> None:
        """Reload the keys, and once in a while store when they were used.

        Raises:
            Unreachable: The database does not answer; the keys that were known stay so.
        """
        by_hash, ever = self._keys.by_hash()
        self._by_hash, self.locked = by_hash, self.locked or ever
        self.known = True
        if self._used and time.monotonic() - self._kept_at >= USES_KEPT_SECONDS:
            # Requests go on noting uses meanwhile.
            used, self._used, self._kept_at = self._used, {}, time.monotonic()
            self._keys.note_use(used)

    def find(self, key: str) -> Key | None:
        """Return the entry of a key, or None if it is unknown or revoked."""
        # Who can only guess learns nothing of a hash from how long looking it up takes.
        found = self._by_hash.get(hash_of(key))
        if found is not None:
            self._used[found.name] = datetime.now(UTC)
        return found
