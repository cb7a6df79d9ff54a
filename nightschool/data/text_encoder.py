"""Sentence encoders: models of sentence-transformers, from a folder, or by name where that is allowed."""

import hashlib
from collections.abc import Sequence
from functools import cached_property
from importlib import import_module
from math import isfinite
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np

from nightschool.contract import Float32s
from nightschool.data.manifest.sections import TextEncoder as Declared
from nightschool.data.readers.sources import BLOCK_BYTES
from nightschool.errors import Unavailable

PACKAGE: Final = "sentence_transformers"
_BATCH: Final = 64
_TAKE_OUT: Final = "or take text_encoder out of the manifest"
_BROKEN: Final = (OSError, ValueError, RuntimeError, KeyError, AttributeError)
"""What loading a folder raises that holds no model, or one of a version that the package does not know."""


class TextEncoder(Protocol):
    """Turns texts into vectors whose cosine says how much they mean the same."""

    @property
    def fingerprint(self) -> str:
        """A hash of what decides the vectors: encoders that share it give the same ones."""

    @property
    def limit(self) -> int:
        """How many tokens of a text count; 0 where all do."""

    def encode(self, texts: Sequence[str]) -> Float32s:
        """Encode texts, float32 [n, d].

        Raises:
            Unavailable: The encoder cannot be loaded.
        """

    def count_longer(self, texts: Sequence[str]) -> int:
        """Count the texts that have more tokens than count."""


class SentenceEncoder:
    """A model of sentence-transformers, which is loaded when it first encodes."""

    def __init__(self, model: str, fingerprint: str, *, allow_download: bool) -> None:
        self._name = model
        self._allow_download = allow_download
        self.fingerprint = fingerprint

    @property
    def limit(self) -> int:
        """How many tokens of a text count; 0 where all do."""
        length = self._model.max_seq_length or 0
        return int(length) if isfinite(length) else 0

    def encode(self, texts: Sequence[str]) -> Float32s:
        """Encode texts, float32 [n, d].

        Raises:
            Unavailable: The package is missing, or does not load the model.
        """
        vectors = self._model.encode(list(texts), batch_size=_BATCH, show_progress_bar=False, convert_to_numpy=True)
        return np.asarray(vectors, dtype=np.float32)

    def count_longer(self, texts: Sequence[str]) -> int:
        """Count the texts that have more tokens than count; a token has at least one character."""
        long = [text for text in texts if len(text) > self.limit > 0]
        if not long:
            return 0
        tokens = self._model.tokenizer(long, truncation=False, padding=False, verbose=False)["input_ids"]
        return sum(len(each) > self.limit for each in tokens)

    @cached_property
    def _model(self) -> Any:
        try:
            package = import_module(PACKAGE)
        except (ImportError, OSError) as error:
            do = f"install it, as in pip install 'nightschool[text]', {_TAKE_OUT}"
            raise Unavailable("text_encoder needs the package sentence-transformers", seen=str(error), do=do) from None
        try:
            return package.SentenceTransformer(self._name, local_files_only=not self._allow_download)
        except _BROKEN as error:
            seen, do = " ".join(str(error).split())[:200], f"give the folder of a whole model, {_TAKE_OUT}"
            raise Unavailable(f"the text_encoder {self._name} cannot be loaded", seen=seen, do=do) from error


def find_encoder(declared: Declared) -> SentenceEncoder:
    """Find the encoder that a manifest names; it is not loaded yet.

    Raises:
        Unavailable: It is no folder here, and may not be downloaded.
    """
    folder = Path(declared.model)
    if folder.is_dir():
        return SentenceEncoder(declared.model, hash_folder(folder), allow_download=False)
    if not declared.allow_download:
        do = f"give the folder of a model, say allow_download = true, {_TAKE_OUT}"
        raise Unavailable("there is no folder of the text_encoder", seen=declared.model, do=do)
    named = hashlib.sha256(f"name\0{declared.model}".encode()).hexdigest()
    return SentenceEncoder(declared.model, named, allow_download=True)


def hash_folder(folder: Path) -> str:
    """Hash the names and contents of a folder's files, hidden ones left out; SHA-256 in hexadecimal."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        if path.is_file() and not any(part.startswith(".") for part in name.parts):
            digest.update(f"{name.as_posix()}\0{path.stat().st_size}\0".encode())
            with path.open("rb") as opened:
                while block := opened.read(BLOCK_BYTES):
                    digest.update(block)
    return digest.hexdigest()
