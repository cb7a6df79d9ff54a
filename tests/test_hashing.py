from hashlib import blake2b
from random import Random

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from nightschool.hashing import hash_ids, hash_pairs, order_ids


def plain_hash(identity: object) -> int:
    return int.from_bytes(blake2b(str(identity).encode(), digest_size=8).digest(), "big")


def test_hashes_are_those_of_the_text() -> None:
    assert hash_ids(pl.Series([7, 12])).tolist() == [plain_hash(7), plain_hash(12)]
    assert hash_ids(pl.Series(["ä", ""])).tolist() == [plain_hash("ä"), plain_hash("")]
    assert hash_ids(pl.Series([], dtype=pl.String)).tolist() == []


@given(st.lists(st.text(max_size=5)), st.randoms())
def test_the_index_does_not_depend_on_the_order_of_the_data(ids: list[str], random: Random) -> None:
    shuffled = random.sample(ids, len(ids))
    ordered = order_ids(pl.Series(ids, dtype=pl.String))
    assert ordered.to_list() == sorted(set(ids), key=plain_hash)
    assert order_ids(pl.Series(shuffled, dtype=pl.String)).to_list() == ordered.to_list()


def test_ids_keep_their_dtype() -> None:
    assert order_ids(pl.Series([3, 1, 3], dtype=pl.Int64)).dtype == pl.Int64


def splitmix64(state: int) -> int:
    mask = 2**64 - 1
    state = (state + 0x9E3779B97F4A7C15) & mask
    state = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & mask
    state = ((state ^ (state >> 27)) * 0x94D049BB133111EB) & mask
    return state ^ (state >> 31)


@given(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1), st.integers(0, 2**32))
def test_pair_hashes_equal_the_scalar_algorithm(first: int, second: int, seed: int) -> None:
    seen = hash_pairs(np.array([first], dtype=np.uint64), np.array([second], dtype=np.uint64), seed=seed)
    assert int(seen[0]) == splitmix64((splitmix64(first ^ splitmix64(seed)) + second) % 2**64)


def test_pair_hashes_depend_on_seed_and_order() -> None:
    a, b = np.array([1], dtype=np.uint64), np.array([2], dtype=np.uint64)
    hashes = {int(hash_pairs(*pair, seed=seed)[0]) for pair in ((a, b), (b, a)) for seed in (0, 1)}
    assert len(hashes) == 4
