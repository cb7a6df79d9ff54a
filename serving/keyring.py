"""The API keys in memory, which a background thread reloads."""

from collections.abc import Mapping

from nightschool.storage.keys import Key, Keys, hash_of


class Keyring:
    """Every key by its hash; a new or revoked one is noticed at the next refresh.

    Attributes:
        known: Whether the keys have been read.
        locked: Whether there is or ever was a key; from then on every request needs one.
    """

    def __init__(self, keys: Keys) -> None:
        self._keys = keys
        self._by_hash: Mapping[str, Key] = {}
        self.known = False
        self.locked = False

    def refresh(self) -> None:
        """Reload the keys.

        Raises:
            Unreachable: The database does not answer; the keys that were known stay so.
        """
        by_hash, ever = self._keys.by_hash()
        self._by_hash, self.locked = by_hash, self.locked or ever
        self.known = True

    def find(self, key: str) -> Key | None:
        """Return the entry of a key, or None if it is unknown or revoked."""
        # Who can only guess learns nothing of a hash from how long looking it up takes.
        return self._by_hash.get(hash_of(key))
