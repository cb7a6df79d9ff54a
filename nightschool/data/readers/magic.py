"""Advice on files that are not text, by their first bytes."""

from collections.abc import Mapping
from typing import Final

_ADVICE: Final[Mapping[bytes, str]] = {
    b"\xff\xfe": 'say encoding = "utf-16" in its format',
    b"\xfe\xff": 'say encoding = "utf-16" in its format',
    b"\x1f\x8b": "it is compressed by gzip: let its name end in .gz",
    b"PK\x03\x04": "it is a .zip or a spreadsheet: let a .zip's name end so, save a spreadsheet as .csv",
    b"\xd0\xcf\x11\xe0": "it is a spreadsheet: save it as .csv",
    b"\x28\xb5\x2f\xfd": "it is compressed by zstd: decompress it first; .gz and .zip are read as they are",
    b"\xfd7zXZ": "it is compressed by xz: decompress it first; .gz and .zip are read as they are",
    b"BZh": "it is compressed by bzip2: decompress it first; .gz and .zip are read as they are",
    b"PAR1": 'say kind = "parquet" in its format',
}


def advice(start: bytes) -> str:
    """Return what to do with a file that begins so; empty where the bytes say nothing."""
    return next((what for magic, what in _ADVICE.items() if start.startswith(magic)), "")
