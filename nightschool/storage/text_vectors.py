"""The vectors of texts that an encoder has made, kept by the texts' hashes, so that each text is encoded once."""

import hashlib
import zipfile
from pathlib import Path
from typing import NamedTuple

import numpy as np

from nightschool.contract import Float32s
from nightschool.hashing import UInt64s
from nightschool.storage.durable import replacing


class KnownTexts(NamedTuple):
    """Vectors by hash.

    Attributes:
        hashes: uint64 [n], ascending.
        vectors: float32 [n, d].
    """

    hashes: UInt64s
    vectors: Float32s


class TextVectors:
    """What is kept of one encoder: a folder of files, each written whole or not at all, and never changed.

    A killed night loses the texts of the file that it had begun, and several may write at once.
    """

    def __init__(self, folder: Path, fingerprint: str) -> None:
        self._folder = folder / fingerprint[:32]

    def read(self) -> KnownTexts:
        """Return what was encoded; a damaged file counts as not there, and its texts are encoded again."""
        parts = [part for path in sorted(self._folder.glob("*.npz")) if (part := _read(path)) is not None]
        if not parts:
            return KnownTexts(np.empty(0, dtype=np.uint64), np.empty((0, 0), dtype=np.float32))
        # One encoder makes vectors of one length; others would be of a file that is none of its own.
        length = parts[-1].vectors.shape[1]
        parts = [part for part in parts if part.vectors.shape[1] == length]
        hashes, first = np.unique(np.concatenate([part.hashes for part in parts]), return_index=True)
        return KnownTexts(hashes, np.concatenate([part.vectors for part in parts])[first])

    def add(self, hashes: UInt64s, vectors: Float32s) -> None:
        """Keep the vectors of some texts.

        Args:
            hashes: uint64 [n].
            vectors: float32 [n, d].
        """
        name = hashlib.sha256(hashes.tobytes()).hexdigest()[:32]
        with replacing(self._folder / f"{name}.npz") as draft, draft.open("wb") as opened:
            np.savez(opened, allow_pickle=False, hashes=hashes, vectors=vectors)


def _read(path: Path) -> KnownTexts | None:
    try:
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as stored:
            found = KnownTexts(stored["hashes"], stored["vectors"])
    except (ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
    fits = found.hashes.dtype == np.uint64 and found.vectors.dtype == np.float32 and found.vectors.ndim == 2
    return found if fits and len(found.hashes) == len(found.vectors) else None
