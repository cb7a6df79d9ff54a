"""The head of a source file: its first whole lines as text, and how they are encoded."""

import codecs
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import polars as pl

from nightschool.data.readers.parsing import to_lines
from nightschool.data.readers.sources import BLOCK_BYTES, SourceFile, open_source
from nightschool.errors import DataRefused

SAMPLE_ROWS: Final = 20_000
"""Lines, or rows of a Parquet file, that a guess rests on."""

_TRIED_LINES: Final = 100
_SIGNATURE_BYTES: Final = 16

_UTF_16: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_SIGNATURES: Final = (
    (b"SQLite format 3\0", 'is an SQLite database: say in the manifest which query to read, with kind = "sql"'),
    (b"%PDF", "is a PDF"),
    (b"PK\x03\x04", "is a spreadsheet or an archive: save it as CSV, or let its name end in .zip"),
    (b"\x1f\x8b", "is compressed, but its name does not end in .gz"),
    (b"\xd0\xcf\x11\xe0", "is a spreadsheet: save it as CSV"),
)


@dataclass(frozen=True)
class Head:
    """The first lines of a text file.

    Attributes:
        lines: At most `SAMPLE_ROWS` of them, none cut short.
        encoding: As a manifest names it.
        whole: Whether these are all the file's lines.
    """

    lines: pl.Series
    encoding: str
    whole: bool

    @property
    def first(self) -> str:
        """The first line that is not blank, without blanks before it; empty where there is none."""
        return next((line for line in self.lines.head(_TRIED_LINES) if line.strip()), "").lstrip()

    @property
    def whys(self) -> Mapping[str, str]:
        """Why a manifest has to name the encoding; empty where it has not."""
        return {} if self.encoding == "utf-8" else {"encoding": "its bytes are no UTF-8"}


@dataclass(frozen=True)
class FileStart:
    """The start of a source file, as far as a format has to see it to recognise its own.

    Attributes:
        file: The file.
    """

    file: SourceFile

    @cached_property
    def signature(self) -> bytes:
        """The first bytes of the file, decompressed, by which files that are no text are known.

        Raises:
            NotFound: It is gone, or cannot be read now.
            DataRefused: It cannot be decompressed.
        """
        return first_bytes(self.file, _SIGNATURE_BYTES)

    @cached_property
    def head(self) -> Head:
        """The first lines of the file.

        Raises:
            NotFound: It is gone, or cannot be read now.
            DataRefused: It is empty or no text, cannot be decompressed, or its first line is too long.
        """
        return read_head(self.file)


def read_head(file: SourceFile) -> Head:
    """Read the first lines of a text file, from at most 16 MiB of it.

    Raises:
        NotFound: It is gone, or cannot be read now.
        DataRefused: It is empty, no text, cannot be decompressed, or its first line is too long.
    """
    data = first_bytes(file, BLOCK_BYTES + 1)
    whole = len(data) <= BLOCK_BYTES
    if not data.strip():
        raise DataRefused(f"{file.name} is empty")
    _refuse_what_is_no_text(file, data)
    encoding, text = _decoded(data, whole)
    if not whole:
        text = text[: text.rfind("\n") + 1]
        if not text:
            raise DataRefused(f"{file.name} has a first line of more than {BLOCK_BYTES // 2**20} MiB")
    lines = to_lines(text.encode())
    return Head(lines.head(SAMPLE_ROWS), encoding, whole and len(lines) <= SAMPLE_ROWS)


def first_bytes(file: SourceFile, n_bytes: int) -> bytes:
    """Read the first bytes of a file, decompressed.

    Raises:
        NotFound: It is gone, or cannot be read now.
        DataRefused: It cannot be decompressed.
    """
    with open_source(file) as stream:
        data = b""
        while len(data) < n_bytes and (block := stream.read(n_bytes - len(data))):
            data += block
        return data


def _refuse_what_is_no_text(file: SourceFile, data: bytes) -> None:
    for signature, what in _SIGNATURES:
        if data.startswith(signature):
            raise DataRefused(f"{file.name} {what}")
    if b"\0" in data and not data.startswith(_UTF_16):
        raise DataRefused(f"{file.name} is no text")


def _decoded(data: bytes, whole: bool) -> tuple[str, str]:
    """Detect the encoding and decode; bytes that are not UTF-8 are taken for a Western one-byte encoding."""
    if data.startswith(_UTF_16):
        return "utf-16", codecs.getincrementaldecoder("utf-16")("replace").decode(data, final=whole)
    try:
        return "utf-8", codecs.getincrementaldecoder("utf-8")().decode(data, final=whole).removeprefix("\ufeff")
    except UnicodeDecodeError:
        pass
    # Only Windows has letters at 0x80 to 0x9f: curly quotes, dashes, the euro sign.
    if any(0x80 <= byte <= 0x9F for byte in set(data)):
        try:
            return "cp1252", data.decode("cp1252")
        except UnicodeDecodeError:
            pass
    return "latin-1", data.decode("latin-1")
