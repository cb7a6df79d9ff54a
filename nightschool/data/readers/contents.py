"""Content of a source file as bytes: its hash, the hashes of its beginnings, and when it was last written."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from nightschool.data.readers.sources import BLOCK_BYTES, SourceFile, gone, open_source


@dataclass(frozen=True)
class Content:
    """The decompressed content of a file.

    Attributes:
        bytes: How many bytes.
        sha256: Their hash.
        heads: Number of bytes from the start to the hash of so many, for each asked number that the file holds.
    """

    bytes: int
    sha256: str
    heads: Mapping[int, str]


def read_content(file: SourceFile, heads: Iterable[int]) -> Content:
    """Hash a file whole and up to each of some numbers of bytes, in one pass.

    Raises:
        NotFound: It is gone.
        DataRefused: It cannot be decompressed.
    """
    found: dict[int, str] = {}
    with open_source(file) as stream:
        for mark in sorted({*heads}):
            while stream.bytes < mark and stream.read(min(BLOCK_BYTES, mark - stream.bytes)):
                pass
            if stream.bytes == mark:
                found[mark] = stream.sha256
        while stream.read():
            pass
        return Content(stream.bytes, stream.sha256, found)


def modified_at(file: SourceFile) -> datetime:
    """Return the instant at which the file was last written, UTC.

    Raises:
        NotFound: It is gone.
    """
    try:
        return datetime.fromtimestamp(file.path.stat().st_mtime, UTC)
    except FileNotFoundError:
        raise gone(file) from None
