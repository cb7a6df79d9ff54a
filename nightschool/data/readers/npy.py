"""Vectors beside the rows that they belong to: a .npy file of numbers, and a text file of as many ids."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from nightschool.data.readers.sources import SourceFile, gone, measure, require_below
from nightschool.errors import DataRefused, NotFound

_GONE = "gone"


class NpyVectors(NamedTuple):
    """The vectors of a file.

    Attributes:
        ids: The lines of the file of ids, as text [n].
        values: Numbers [n, d], mapped into memory.
    """

    ids: pl.Series
    values: NDArray[Any]


def read_vectors(root: Path, name: str) -> NpyVectors:
    """Read the vectors of a .npy file below a root, and their ids from the file of its name that ends in .ids.

    Raises:
        NotFound: One of the two is not there.
        DataRefused: It is no array of numbers with one row for each id, an id is there twice, or a link leads out.
    """
    vectors, ids = _files(root, name)
    for file in (vectors, ids):
        require_below(root, file.path)
    lines = _read_ids(ids)
    values = _read_array(vectors)
    if len(lines) != len(values):
        seen = f"{len(lines):,} lines, where {vectors.name} has {len(values):,} rows"
        raise DataRefused(f"{ids.name} does not say whose each vector is", seen=seen, do="write one id for each row")
    repeated = lines.filter(lines.is_duplicated())
    if len(repeated):
        raise DataRefused(f"{ids.name} names an id twice", seen=repeated[0], do="give each item one vector")
    return NpyVectors(lines, values)


def measure_vectors(root: Path, name: str) -> tuple[str, str]:
    """Return the hashes of a file of vectors and of its ids; of one that is not there, a word that says so."""
    return tuple(map(_hash, _files(root, name)))  # type: ignore[return-value]  # two files, two hashes


def _files(root: Path, name: str) -> tuple[SourceFile, SourceFile]:
    names = (name, f"{name.removesuffix('.npy')}.ids")
    vectors, ids = (SourceFile(each, root / each) for each in names)
    return vectors, ids


def _hash(file: SourceFile) -> str:
    try:
        return measure(file)[1]
    except NotFound:
        return _GONE


def _read_ids(file: SourceFile) -> pl.Series:
    try:
        return pl.Series(file.path.read_text(encoding="utf-8-sig").splitlines(), dtype=pl.String)
    except FileNotFoundError:
        raise gone(file) from None
    except UnicodeDecodeError as error:
        raise DataRefused(f"{file.name} is not UTF-8", seen=error.reason, do="write the ids as UTF-8") from None


def _read_array(file: SourceFile) -> NDArray[Any]:
    try:
        values = np.lib.format.open_memmap(file.path, mode="r")
    except FileNotFoundError:
        raise gone(file) from None
    except (ValueError, EOFError, OSError) as error:
        seen, do = " ".join(str(error).split())[:200], "write it with numpy.save(file, vectors)"
        raise DataRefused(f"{file.name} holds no array of numbers", seen=seen, do=do) from None
    if values.ndim != 2 or values.dtype.kind not in "iuf":
        seen = f"{values.dtype} {list(values.shape)}"
        raise DataRefused(f"{file.name} holds no rows of numbers", seen=seen, do="save an array [items, numbers]")
    return values
