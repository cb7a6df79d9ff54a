"""Source files as bytes: found below the source root, decompressed, hashed as they are read, cut into whole lines."""

import codecs
import gzip
import hashlib
import math
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final, cast

from nightschool.errors import DataRefused, NotFound

BLOCK_BYTES: Final = 16 * 2**20
"""Bytes of text that are parsed at a time; about 350,000 short rows."""


@dataclass(frozen=True)
class SourceFile:
    """One file of a dataset.

    Attributes:
        name: Its path below the source root, with forward slashes: how tables and errors call it.
        path: Where it is.
    """

    name: str
    path: Path


@dataclass(frozen=True)
class Extent:
    """How far a file was read.

    Attributes:
        bytes: Decompressed bytes from the start.
        rows: Rows in those bytes, a header not counted.
        sha256: Hash of those bytes.
    """

    bytes: int
    rows: int
    sha256: str


def find_sources(root: Path, patterns: tuple[str, ...]) -> list[SourceFile]:
    """The files that paths or globs name below the root, each once, in the order of the patterns and then of the names.

    Raises:
        NotFound: The root does not exist, or a pattern matches no file.
    """
    if not root.is_dir():
        raise NotFound("the source root is no folder", seen=str(root), do="give the folder of the data: --source-root")
    found: dict[str, SourceFile] = {}
    for pattern in patterns:
        literal = root / pattern
        paths = [literal] if literal.is_file() else sorted(path for path in root.glob(pattern) if path.is_file())
        if not paths:
            raise NotFound(f"no file {pattern} below {root}", do="check --source-root and the manifest's files")
        found.update({name: SourceFile(name, path) for path in paths if (name := path.relative_to(root).as_posix())})
    return list(found.values())


class HashedStream:
    """Decompressed bytes of a file that counts and hashes what was read of it."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._hash = hashlib.sha256()
        self.bytes = 0

    def read(self, size: int = BLOCK_BYTES) -> bytes:
        """The next bytes, at most `size`; empty at the end."""
        block = self._stream.read(size)
        self._hash.update(block)
        self.bytes += len(block)
        return block

    @property
    def sha256(self) -> str:
        """Hash of everything read so far."""
        return self._hash.hexdigest()


@contextmanager
def open_source(file: SourceFile) -> Iterator[HashedStream]:
    """The file's bytes, those inside a .gz or of the only file in a .zip.

    Raises:
        NotFound: It is not there any more.
        DataRefused: It cannot be decompressed.
    """
    with ExitStack() as stack:
        try:
            yield HashedStream(stack.enter_context(_opened(file, stack)))
        except FileNotFoundError:
            raise NotFound(f"file {file.name} is gone", do="put it back below --source-root") from None
        except (gzip.BadGzipFile, zipfile.BadZipFile, EOFError, zlib.error) as error:
            do = "fetch it again; it may be cut short"
            raise DataRefused(f"{file.name} cannot be decompressed", seen=str(error), do=do) from error


def _opened(file: SourceFile, stack: ExitStack) -> IO[bytes]:
    if file.path.suffix == ".gz":
        return cast("IO[bytes]", gzip.open(file.path))
    if file.path.suffix != ".zip":
        return file.path.open("rb")
    archive = stack.enter_context(zipfile.ZipFile(file.path))
    members = [member for member in archive.infolist() if not member.is_dir()]
    if len(members) != 1:
        names = [member.filename for member in members]
        raise DataRefused(f"{file.name} holds {len(names)} files", seen=names[:5], do="zip exactly one file")
    return archive.open(members[0])


def measure(file: SourceFile, at_most: float = math.inf) -> tuple[int, str]:
    """How many bytes the file holds, decompressed and counted up to `at_most`, and their SHA-256.

    Raises:
        NotFound: It is gone.
        DataRefused: It cannot be decompressed.
    """
    with open_source(file) as stream:
        while stream.bytes < at_most and stream.read(int(min(BLOCK_BYTES, at_most - stream.bytes))):
            pass
        return stream.bytes, stream.sha256


def skip_known(stream: HashedStream, file: SourceFile, known: Extent) -> bytes:
    """The last line of what an earlier ingest read, so far as it lacks its line end; reads past it all.

    Returns:
        Nothing where the known part ends with a line end, so that a new row may follow at once.

    Raises:
        DataRefused: The known part changed or is cut short.
    """
    unended = b""
    while stream.bytes < known.bytes and (block := stream.read(min(BLOCK_BYTES, known.bytes - stream.bytes))):
        unended = (unended + block).rpartition(b"\n")[2]
    if stream.bytes < known.bytes or stream.sha256 != known.sha256:
        raise changed(file, f"its first {known.bytes} bytes are not those that were ingested")
    return unended


def changed(file: SourceFile, seen: str) -> DataRefused:
    """The refusal of a file whose ingested part is no longer what it was."""
    do = "restore it; rows may only be appended, or come in a new file"
    return DataRefused(f"{file.name} was changed in place: {seen}", do=do)


def line_blocks(stream: HashedStream, file: SourceFile, encoding: str) -> Iterator[bytes]:
    """Blocks of whole lines in UTF-8 from where the stream stands; the last one may lack its line end.

    Raises:
        DataRefused: Bytes that the encoding does not allow.
    """
    decoder = codecs.getincrementaldecoder(encoding)()
    at_start, rest = stream.bytes == 0, ""
    while block := stream.read():
        text = rest + _decoded(decoder, block, file, encoding, stream.bytes)
        if at_start:
            text, at_start = text.removeprefix("\ufeff"), False
        cut = text.rfind("\n") + 1
        if cut:
            yield text[:cut].encode()
        rest = text[cut:]
    rest += _decoded(decoder, b"", file, encoding, stream.bytes)
    if rest:
        yield rest.encode()


def _decoded(decoder: codecs.IncrementalDecoder, block: bytes, file: SourceFile, encoding: str, end: int) -> str:
    start = end - len(block) - len(decoder.getstate()[0])
    try:
        return decoder.decode(block, final=not block)
    except UnicodeDecodeError as error:
        other = "utf-8" if encoding == "latin-1" else "latin-1"
        raise DataRefused(
            f"{file.name} is not {encoding}: invalid bytes at byte {start + error.start}",
            seen=error.object[error.start : error.start + 4].hex(" "),
            do=f'say how it is encoded in its format, such as encoding = "{other}"',
        ) from None
