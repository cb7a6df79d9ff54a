"""Source files as bytes: found below the source root, decompressed, hashed as they are read, cut into whole lines."""

import codecs
import errno
import gzip
import hashlib
import lzma
import math
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final, cast

from nightschool.data.readers.magic import advice
from nightschool.errors import DataRefused, NotFound, Unreachable

BLOCK_BYTES: Final = 16 * 2**20
"""Bytes of text that are parsed at a time; about 350,000 short rows."""

LONGEST_LINE: Final = 64 * 2**20
"""Characters that a line may have; whatever holds more is no file of rows."""
_HARMLESS_BYTES: Final = 256 * 2**20
_MOST_INFLATED: Final = 200
"""How many times its compressed size a file may hold."""

_COMPRESSED: Final = (".gz", ".zip")
_NO_FILE: Final = r"/$|^__MACOSX/|(^|/)\.DS_Store$"  # folders, and what a Mac adds
_UNSEEN: Final = (".", "_")
_UNFINISHED: Final = (".tmp", ".part", ".crdownload")


@dataclass(frozen=True)
class SourceFile:
    """One file of a dataset, or one query.

    Attributes:
        name: Its path below the source root, with forward slashes, or the query's name: how tables and errors call it.
        path: Where it is; of a query, the source root.
    """

    name: str
    path: Path


@dataclass(frozen=True)
class Extent:
    """How far a file was read, or a query.

    Attributes:
        bytes: Decompressed bytes from the start; none of a query.
        rows: Rows in those bytes, a header not counted.
        sha256: Hash of those bytes.
        position: The last key that was read of a query, as JSON, with how many of the rows were removed for good
            since, if any; of items, the hash of the .npy files of their vectors; None for other files.
        offset: Those of the rows that came under the file's name before this content; the hashed bytes lack them.
    """

    bytes: int
    rows: int
    sha256: str
    position: str | None = None
    offset: int = 0


def find_sources(root: Path, patterns: tuple[str, ...]) -> list[SourceFile]:
    """Find the files that paths, globs or folders name below the root, each once, by pattern and then by name.

    A folder, which may be empty, means its files without hidden ones and those still being written.

    Raises:
        NotFound: The root does not exist, or a path or glob matches no file.
        DataRefused: A link leads out of the root.
    """
    if not root.is_dir():
        do = "give the folder of the data: --source-root"
        raise NotFound("The source root is not a folder", seen=str(root), do=do)
    found: dict[str, SourceFile] = {}
    for pattern in patterns:
        literal = root / pattern
        paths = _landed(literal) if literal.is_dir() else _matching(root, pattern)
        if not paths and not literal.is_dir():
            raise NotFound(f"There is no file {pattern} below {root}", do="check --source-root and files")
        for path in paths:
            require_below(root, path)
        found.update({name: SourceFile(name, path) for path in paths if (name := path.relative_to(root).as_posix())})
    return list(found.values())


def require_below(root: Path, path: Path) -> None:
    """Raise if the path is a link out of the root: whoever may put files there may not have every file read.

    Raises:
        DataRefused: It leads out of the root.
    """
    if not path.resolve().is_relative_to(root.resolve()):
        name, do = path.relative_to(root).as_posix(), "put the file itself there, or give the folder that holds both"
        raise DataRefused(f"{name} leads out of the source root {root}", seen=str(path.resolve()), do=do)


def _matching(root: Path, pattern: str) -> list[Path]:
    literal = root / pattern
    return [literal] if literal.is_file() else sorted(path for path in root.glob(pattern) if path.is_file())


def _landed(folder: Path) -> list[Path]:
    files = (path for path in folder.iterdir() if path.is_file() and not path.name.startswith(_UNSEEN))
    return sorted(path for path in files if path.suffix.lower() not in _UNFINISHED)


class HashedStream:
    """Decompressed bytes of a file that counts and hashes what was read of it."""

    def __init__(self, stream: IO[bytes], file: SourceFile) -> None:
        self._stream = stream
        self._file = file
        self._hash = hashlib.sha256()
        self._packed = file.path.stat().st_size if file.path.suffix in _COMPRESSED else math.inf
        self.bytes = 0

    def read(self, size: int = BLOCK_BYTES) -> bytes:
        """Read the next bytes, at most `size`; empty at the end.

        Raises:
            DataRefused: A compressed file holds far more than its size allows.
        """
        block = self._stream.read(size)
        self._hash.update(block)
        self.bytes += len(block)
        require_moderate(self._file, self.bytes, self._packed)
        return block

    @property
    def sha256(self) -> str:
        """Hash of everything read so far."""
        return self._hash.hexdigest()


def require_moderate(file: SourceFile, unpacked: int, packed: float) -> None:
    """Raise if so few compressed bytes hold so many that they were made to fill the disk or the memory.

    Raises:
        DataRefused: They do.
    """
    if unpacked > max(_HARMLESS_BYTES, packed * _MOST_INFLATED):
        raise DataRefused(
            f"{file.name} holds more than {_MOST_INFLATED} times its compressed size",
            seen=f"{unpacked} bytes",
            do="give the file uncompressed if it is meant to be so large",
        )


@contextmanager
def open_source(file: SourceFile) -> Iterator[HashedStream]:
    """Open the file's bytes, decompressed from a .gz or from the only file in a .zip.

    Raises:
        NotFound: It is not there any more.
        Unreachable: It cannot be read now, or may not be.
        DataRefused: It cannot be decompressed.
    """
    with ExitStack() as stack:
        try:
            yield HashedStream(stack.enter_context(_opened(file, stack)), file)
        except FileNotFoundError:
            raise gone(file) from None
        except (zipfile.BadZipFile, EOFError, zlib.error, lzma.LZMAError) as error:
            raise _damaged(file, error) from error
        except OSError as error:
            # What the system did not say comes from bytes that are no archive, and so do places before their start.
            if error.errno in (None, errno.EINVAL):
                raise _damaged(file, error) from error
            do = "check the file and its permissions"
            raise Unreachable(f"{file.name} cannot be read", seen=error.strerror, do=do) from error


def gone(file: SourceFile) -> NotFound:
    """Return the error about a file that is not there any more."""
    return NotFound(f"File {file.name} is gone", do="put it back below --source-root")


def _damaged(file: SourceFile, error: Exception) -> DataRefused:
    do = "fetch it again; it may be cut short"
    return DataRefused(f"{file.name} cannot be decompressed", seen=str(error), do=do)


def _opened(file: SourceFile, stack: ExitStack) -> IO[bytes]:
    if file.path.suffix == ".gz":
        return cast("IO[bytes]", gzip.open(file.path))
    if file.path.suffix != ".zip":
        return file.path.open("rb")
    try:
        archive = stack.enter_context(zipfile.ZipFile(file.path))
        return archive.open(_only_member(archive, file))
    except RuntimeError as error:
        raise zipfile.BadZipFile(str(error)) from error


def _only_member(archive: zipfile.ZipFile, file: SourceFile) -> zipfile.ZipInfo:
    names = [name for name in archive.namelist() if not re.search(_NO_FILE, name)]
    if len(names) != 1:
        raise DataRefused(f"{file.name} holds {len(names)} files", seen=names[:5], do="zip exactly one file")
    return archive.getinfo(names[0])


def measure(file: SourceFile, at_most: float = math.inf) -> tuple[int, str]:
    """Count the file's decompressed bytes, up to `at_most`, and hash them with SHA-256.

    Raises:
        NotFound: It is gone.
        DataRefused: It cannot be decompressed.
    """
    with open_source(file) as stream:
        while stream.bytes < at_most and stream.read(int(min(BLOCK_BYTES, at_most - stream.bytes))):
            pass
        return stream.bytes, stream.sha256


def skip_known(stream: HashedStream, file: SourceFile, known: Extent) -> bytes:
    """Read past what an earlier ingest read, and return its last line if that lacks its line end.

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


def ended_whole(file: SourceFile, known: Extent) -> bool:
    """Return whether what was read ended with a line end, if a seek can show it, as in uncompressed files."""
    if file.path.suffix in _COMPRESSED or not file.path.is_file():
        return False
    with file.path.open("rb") as stream:
        stream.seek(max(known.bytes - 1, 0))
        return stream.read(1) == b"\n"


def changed(file: SourceFile, seen: str) -> DataRefused:
    """Return the error about a file whose ingested part has changed."""
    do = "restore it; rows may only be appended, or come in a new file"
    return DataRefused(f"{file.name} was changed in place: {seen}", do=do)


def line_blocks(stream: HashedStream, file: SourceFile, encoding: str) -> Iterator[bytes]:
    """Yield blocks of whole lines in UTF-8 from the stream's position; the last one may lack its line end.

    Raises:
        DataRefused: Bytes that the encoding does not allow, or a line that does not end.
    """
    decoder = codecs.getincrementaldecoder(encoding)()
    at_start, rest = stream.bytes == 0, ""
    while block := stream.read():
        text = rest + _decoded(decoder, block, file, encoding, stream.bytes)
        if at_start:
            text, at_start = text.removeprefix("\ufeff"), False
        if len(text) > LONGEST_LINE and not -1 < text.find("\n") <= LONGEST_LINE:
            raise _endless(file, stream.bytes)
        cut = text.rfind("\n") + 1
        if cut:
            yield _to_utf8(text[:cut], file, encoding)
        rest = text[cut:]
    rest += _decoded(decoder, b"", file, encoding, stream.bytes)
    if rest:
        yield _to_utf8(rest, file, encoding)


def _endless(file: SourceFile, end: int) -> DataRefused:
    seen, do = f"around byte {end}", "check that it is a file of rows, and its encoding and kind"
    return DataRefused(f"{file.name} has a line of more than {LONGEST_LINE} characters", seen=seen, do=do)


def _decoded(decoder: codecs.IncrementalDecoder, block: bytes, file: SourceFile, encoding: str, end: int) -> str:
    start = end - len(block) - len(decoder.getstate()[0])
    try:
        return decoder.decode(block, final=not block)
    except UnicodeDecodeError as error:
        seen = error.object[error.start : error.start + 4].hex(" ")
        do = (advice(error.object) if not start else "") or 'say how it is encoded, such as encoding = "latin-1"'
        what = f"{file.name} is not {encoding}: invalid bytes at byte {start + error.start}"
        raise DataRefused(what, seen=seen, do=do) from None
    except UnicodeError as error:
        raise DataRefused(f"{file.name} is not {encoding}", seen=str(error), do="say how it is encoded") from None


def _to_utf8(text: str, file: SourceFile, encoding: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        seen, do = ascii(error.object[error.start]), "give it in utf-8"
        raise DataRefused(f"{file.name}, read as {encoding}, holds no characters", seen=seen, do=do) from None
