"""Files that are mapped into memory, and are only ever replaced as a whole."""

from pathlib import Path


class MappedFile:
    """A file whose size must not change while it is mapped: reading on where it ended would end the process.

    Attributes:
        path: Its name.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._opened = path.stat()

    def missing_bytes(self) -> int | None:
        """Return by how much the file was cut off since; None where another or none bears its name."""
        now = self.path.stat() if self.path.exists() else None
        return None if now is None or now.st_ino != self._opened.st_ino else self._opened.st_size - now.st_size
