"""Hashes of ids: an index order that is independent of the data's order, and seeded hashes of pairs."""

from hashlib import blake2b

import numpy as np
import polars as pl
from numpy.typing import NDArray

UInt64s = NDArray[np.uint64]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MULTIPLIERS = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))


def hash_ids(ids: pl.Series) -> UInt64s:
    """Hash each id to uint64[n]: the 8-byte BLAKE2b of its text, read as a big-endian number."""
    digests = b"".join(blake2b(text.encode(), digest_size=8).digest() for text in ids.cast(pl.String))
    return np.frombuffer(digests, dtype=">u8").astype(np.uint64)


def order_ids(ids: pl.Series) -> pl.Series:
    """Order the distinct ids by ascending hash, which is their index: the data's order cannot leak into ties."""
    distinct = ids.drop_nulls().unique().sort()
    return distinct.gather(np.argsort(hash_ids(distinct), kind="stable"))


def hash_pairs(first: UInt64s, second: UInt64s, *, seed: int) -> UInt64s:
    """Hash each pair of hashes with a seed, uint64[n], by the finaliser of SplitMix64.

    Steele, Lea and Flood (2014), "Fast splittable pseudorandom number generators".
    """
    start = _mix(np.array([seed % 2**64], dtype=np.uint64))
    return _mix(_mix(first ^ start) + second)


def _mix(values: UInt64s) -> UInt64s:
    mixed = values + _GOLDEN
    mixed = (mixed ^ (mixed >> np.uint64(30))) * _MULTIPLIERS[0]
    mixed = (mixed ^ (mixed >> np.uint64(27))) * _MULTIPLIERS[1]
    return mixed ^ (mixed >> np.uint64(31))
