"""Item weights as files that servers map."""

import hashlib

import numpy as np
import polars as pl
import pytest
from scipy.sparse import csr_array

from nightschool.errors import Unreachable
from nightschool.ranking.foldin import ItemWeights
from nightschool.storage.serving_weights import WeightsFile, write_item_weights

IDS = [13, 10, 12, 11]
EVERYTHING = np.ones(4, dtype=bool)
DENSE = np.array([[0, 1, 0, 2], [3, 0, 0, 4], [0, 0, 5, 6], [7, 0, 0, 8]], dtype=np.float32)


def written(tmp_path, kind=int, available=EVERYTHING, recency=None):
    path = tmp_path / "ease.weights.arrow"
    ids = pl.Series([kind(item) for item in IDS])
    write_item_weights(path, ItemWeights(csr_array(DENSE), recency), ids, available)
    return WeightsFile(path)


def by_id(weights, catalogue):
    """What every item of a catalogue adds to every other, above zero."""
    rows, columns = weights.matrix.nonzero()
    dense = weights.matrix.toarray()
    return {(catalogue[i], catalogue[j]): float(dense[i, j]) for i, j in zip(rows, columns, strict=True)}


def expected(catalogue, available=EVERYTHING, kind=int):
    return {
        (kind(IDS[i]), kind(IDS[j])): float(DENSE[i, j])
        for i, j in zip(*DENSE.nonzero(), strict=True)
        if available[j] and {kind(IDS[i]), kind(IDS[j])} <= set(catalogue)
    }


@pytest.mark.parametrize("kind", [int, str])
@pytest.mark.parametrize(
    "catalogue", [[10, 11, 12, 13], [9, 10, 11, 12, 13, 14], [10, 12], [1, 11, 13], [7], []], ids=str
)
def test_weights_are_those_of_the_items_that_a_catalogue_holds(tmp_path, kind, catalogue):
    catalogue = sorted(kind(item) for item in catalogue)
    dtype = pl.Int64 if kind is int else pl.String
    weights = written(tmp_path, kind).of(pl.Series(catalogue, dtype=dtype))
    assert weights.matrix.shape == (len(catalogue), len(catalogue))
    assert weights.matrix.has_canonical_format
    assert by_id(weights, catalogue) == expected(catalogue, kind=kind)


def test_what_may_not_be_recommended_gets_no_weight_and_gives_some(tmp_path):
    available = np.array([True, False, True, True])
    weights = written(tmp_path, available=available).of(pl.Series([10, 11, 12, 13]))
    assert by_id(weights, [10, 11, 12, 13]) == expected([10, 11, 12, 13], available)


@pytest.mark.parametrize("recency", [None, 3.5])
def test_recency_is_kept(tmp_path, recency):
    assert written(tmp_path, recency=recency).of(pl.Series([10, 11])).recency == recency


def test_the_whole_catalogue_is_read_without_a_copy_and_never_written_back(tmp_path):
    file = written(tmp_path)
    before = hashlib.sha256(file.path.read_bytes()).hexdigest()
    matrix = file.of(pl.Series([10, 11, 12, 13])).matrix
    assert matrix.data.flags.writeable  # as kernels are compiled for
    assert not matrix.data.flags.owndata
    assert not matrix.indices.flags.owndata
    assert matrix.indices.dtype == matrix.indptr.dtype == np.int32
    matrix.data[:] = 0
    assert hashlib.sha256(file.path.read_bytes()).hexdigest() == before


def test_the_same_weights_are_the_same_bytes(tmp_path):
    first, second = (written(tmp_path / name).path.read_bytes() for name in ("one", "two"))
    assert first == second


def test_weights_of_nothing_can_be_read(tmp_path):
    path = tmp_path / "none.weights.arrow"
    write_item_weights(path, ItemWeights(csr_array((4, 4), dtype=np.float32)), pl.Series(IDS), EVERYTHING)
    assert WeightsFile(path).of(pl.Series([10, 11])).matrix.nnz == 0


@pytest.mark.parametrize("damage", [b"", b"ARROW1 no more", None])
def test_a_damaged_file_is_named(tmp_path, damage):
    path = tmp_path / "ease.weights.arrow"
    if damage is not None:
        path.write_bytes(damage)
    with pytest.raises(Unreachable, match=r"ease\.weights\.arrow is missing or damaged"):
        WeightsFile(path)
