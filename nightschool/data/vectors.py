"""Vectors of items, such as those of their images: which of them can be compared, and dense arrays of those."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from nightschool.contract import Dataset, Float32s, Mask

VECTOR: Final = pl.List(pl.Float32)
"""The dtype of a column of vectors."""


class ItemVectors(NamedTuple):
    """Vectors of items by their index.

    Attributes:
        values: float32 [n_items, d], the columns side by side, each with rows of unit length; zeros where an item has
            no vector in a column.
        known: bool [n_items], the items that have a vector in any column.
    """

    values: Float32s
    known: Mask

    def units(self) -> Float32s:
        """Return the rows at unit length, float32 [n_items, d], whose products are cosines; zeros without a vector."""
        sizes = np.linalg.norm(self.values, axis=1, keepdims=True)
        units: Float32s = np.divide(self.values, sizes, out=np.zeros_like(self.values), where=sizes > 0)
        return units


def vectors_of(dataset: Dataset) -> ItemVectors:
    """Return the vectors of a dataset's items, those of an encoder of texts included; d is 0 where there are none."""
    return item_vectors(dataset.items, dataset.item_columns.vectors)


def item_vectors(items: pl.DataFrame, columns: Sequence[str]) -> ItemVectors:
    """Return the vectors in some columns of a frame of items; a column that the frame lacks is left out.

    A vector of another length than most of its column have, with a number that is not finite, or of zeros, is none.
    """
    found = [_unit_rows(items[name]) for name in columns if name in items.columns]
    values = np.hstack([np.empty((items.height, 0), dtype=np.float32), *found])
    return ItemVectors(values, np.asarray(values.any(axis=1)))


def norms(vectors: pl.Series) -> NDArray[np.float64]:
    """Compute the Euclidean norm of each vector, float64 [n]; NaN for none, an empty one, or one that is not finite."""
    found = np.full(len(vectors), np.nan)
    lengths = vectors.list.len().fill_null(0).cast(pl.Int64).to_numpy()
    there = lengths > 0
    if there.any():
        numbers = vectors.filter(pl.Series(there)).explode().cast(pl.Float64).to_numpy()
        starts = np.concatenate([[0], np.cumsum(lengths[there])[:-1]])
        found[there] = np.sqrt(np.add.reduceat(numbers**2, starts))
    found[~np.isfinite(found)] = np.nan
    return found


def common_length(vectors: pl.Series, before: pl.Series | None = None) -> int:
    """Return the length that most vectors have, 0 where there are none.

    Of lengths that are as common, that of an earlier vector counts, else the greatest.

    Args:
        vectors: Those that can be compared, if they are of one length.
        before: The earlier ones among them.
    """
    counts = np.bincount(vectors.list.len().fill_null(0).to_numpy())
    if len(counts) < 2 or not counts[1:].any():
        return 0
    counts[0] = 0
    commonest = np.flatnonzero(counts == counts.max())
    known = set() if before is None else {*before.list.len().fill_null(0)}
    return int(max(commonest, key=lambda length: (length in known, length)))


def _unit_rows(vectors: pl.Series) -> Float32s:
    """Return a column's vectors with unit length, float32 [n, d]; zeros where there is none that can be compared."""
    vectors = vectors.arr.to_list() if isinstance(vectors.dtype, pl.Array) else vectors
    sizes = norms(vectors)
    fit = np.flatnonzero(sizes > 0)
    length = common_length(vectors.gather(fit)) if len(fit) else 0
    fit = fit[vectors.gather(fit).list.len().to_numpy() == length] if len(fit) else fit
    dense = np.zeros((len(vectors), length), dtype=np.float32)
    if len(fit):
        numbers = vectors.gather(fit).explode().cast(pl.Float64).to_numpy().reshape(len(fit), length)
        dense[fit] = numbers / sizes[fit, None]
    return dense
