"""Vectors of the items' texts in a dataset: made by the manifest's encoder, once for each text."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import polars as pl

from nightschool.columns import TEXT
from nightschool.data.manifest.sections import TextEncoder as Declared
from nightschool.data.text_encoder import TextEncoder, find_encoder
from nightschool.data.vectors import VECTOR
from nightschool.errors import Unavailable
from nightschool.hashing import UInt64s, hash_ids
from nightschool.item_columns import TEXT_VECTOR
from nightschool.storage.text_vectors import KnownTexts, TextVectors

_TEXTS_A_FILE: Final = 512


@dataclass(frozen=True)
class Encodings:
    """Where vectors of texts are kept, and who makes them.

    Attributes:
        folder: The folder of all encoders.
        encodes: Whether texts that have no vector get one; else those have vectors that a night has encoded.
        find: Finds the encoder that a manifest names.
    """

    folder: Path
    encodes: bool = True
    find: Callable[[Declared], TextEncoder] = find_encoder


class Encoded(NamedTuple):
    """Items with a column of vectors of their texts.

    Attributes:
        items: The items; without the column where none of them has a vector.
        notes: What of the texts has no vector, or counts in part.
    """

    items: pl.DataFrame
    notes: tuple[str, ...]


def with_text_vectors(items: pl.DataFrame, declared: Declared, encodings: Encodings) -> Encoded:
    """Add the vectors of the items' texts; without the encoder, those that were made of equal texts before."""
    texts = items[TEXT].str.strip_chars()
    texts = texts.set(texts == "", None)
    different = texts.drop_nulls().unique().sort()
    hashes, notes = hash_ids(different), []
    try:
        encoder = encodings.find(declared)
    except Unavailable as error:
        return Encoded(items, (f"the items have no vectors of their texts: {error}",))
    kept = TextVectors(encodings.folder, encoder.fingerprint)
    missing = np.flatnonzero(~np.isin(hashes, kept.read().hashes))
    if len(missing) and encodings.encodes:
        try:
            notes = _encode(different.gather(missing), hashes[missing], encoder, kept)
        except Unavailable as error:
            notes = [f"{len(missing):,} texts of items have no vector: {error}"]
    known = kept.read()
    if not len(known.hashes):
        return Encoded(items, tuple(notes))
    return Encoded(items.with_columns(_column(texts, known)), tuple(notes))


def _encode(texts: pl.Series, hashes: UInt64s, encoder: TextEncoder, kept: TextVectors) -> list[str]:
    """Encode texts and keep their vectors, file by file; return a note of texts that are too long."""
    n_longer = 0
    for start in range(0, len(texts), _TEXTS_A_FILE):
        block = texts[start : start + _TEXTS_A_FILE].to_list()
        kept.add(hashes[start : start + _TEXTS_A_FILE], encoder.encode(block))
        n_longer += encoder.count_longer(block)
    if not n_longer:
        return []
    return [f"text_encoder reads {encoder.limit:,} tokens: of {n_longer:,} texts, what follows does not count"]


def _column(texts: pl.Series, known: KnownTexts) -> pl.Series:
    """Return the vector of each text, as a column of lists; null where it has none."""
    given = np.flatnonzero(texts.is_not_null().to_numpy())
    hashes = hash_ids(texts.gather(given))
    places = np.minimum(np.searchsorted(known.hashes, hashes), len(known.hashes) - 1)
    found = known.hashes[places] == hashes
    vectors = np.zeros((len(texts), known.vectors.shape[1]), dtype=np.float32)
    vectors[given[found]] = known.vectors[places[found]]
    has_one = np.zeros(len(texts), dtype=bool)
    has_one[given[found]] = True
    column = pl.Series(TEXT_VECTOR, vectors).arr.to_list()
    return column.zip_with(pl.Series(has_one), pl.Series([None], dtype=VECTOR))
