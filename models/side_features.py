"""Traits of users and items: number of scores, their mean time, and labels."""

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.sparse import csr_array

from models.labels import item_labels, user_labels
from nightschool.columns import ITEM_INDEX, TIMESTAMP, USER_INDEX
from nightschool.contract import Dataset, Float32s


def user_traits(dataset: Dataset) -> Float32s:
    """Compute each user's traits, float32 [n_users + 1, n_traits], with a row of zeros for the unknown.

    First ln(1 + n) of the n scores to learn from, then the mean time of them, which is 0 for the mean of all and 1 a
    standard deviation later, then the attributes.
    """
    return _traits(dataset, USER_INDEX, dataset.n_users, user_labels(dataset))


def item_traits(dataset: Dataset) -> Float32s:
    """Compute each item's traits, float32 [n_items + 1, n_traits], likewise, with categories, ordinals and lists."""
    return _traits(dataset, ITEM_INDEX, dataset.n_items, item_labels(dataset))


def _traits(dataset: Dataset, index: str, n: int, labels: csr_array) -> Float32s:
    owners = dataset.pairs[index].to_numpy()
    counts = np.bincount(owners, minlength=n)
    sums = np.bincount(owners, weights=_times(dataset.pairs), minlength=n)
    columns = [np.log1p(counts)[:, None], (sums / np.maximum(counts, 1))[:, None], labels.toarray()]
    return np.pad(np.hstack(columns), ((0, 1), (0, 0))).astype(np.float32)


def _times(pairs: pl.DataFrame) -> NDArray[np.float64]:
    """Standardise each pair's time; zeros where there are no times or all are equal."""
    if TIMESTAMP not in pairs.columns:
        return np.zeros(pairs.height)
    times = pairs[TIMESTAMP].to_physical().cast(pl.Float64)
    centred = (times - times.mean()).fill_null(0.0).to_numpy() if times.count() else np.zeros(pairs.height)
    spread = centred.std()
    scaled: NDArray[np.float64] = centred / spread if spread > 0 else centred
    return scaled
