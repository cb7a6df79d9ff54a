"""What users and items are labelled with, as rows of numbers."""

from collections.abc import Sequence

import numpy as np
import polars as pl
from scipy.sparse import csr_array, hstack

from nightschool.columns import USER_ID
from nightschool.contract import Dataset
from nightschool.data.labels import one_hot


def user_labels(dataset: Dataset) -> csr_array:
    """Encode each user's attributes, CSR float64 [n_users, n_labels]; an attribute's n labels weigh 1 / √n each."""
    return _side_by_side(dataset.users, [name for name in dataset.users.columns if name != USER_ID])


def item_labels(dataset: Dataset) -> csr_array:
    """Encode each item's categories, ordinals and lists, CSR float64 [n_items, n_labels]; n labels weigh 1 / √n."""
    return _side_by_side(dataset.items, dataset.item_columns.names)


def _side_by_side(frame: pl.DataFrame, columns: Sequence[str]) -> csr_array:
    groups = [one_hot(frame, [column]).astype(np.float64) for column in columns]
    for group in groups:
        counts = np.diff(group.indptr)
        group.data = 1 / np.sqrt(np.repeat(counts, counts))
    return hstack([csr_array((frame.height, 0)), *groups], format="csr")
