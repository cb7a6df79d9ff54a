"""How much there is to learn from, for the users and items that there is anything of."""

import numpy as np

from nightschool.contract import Dataset


def likes_a_row(dataset: Dataset) -> float:
    """Likes of a user and of an item that has any, on average: the geometric mean of both; 0 without a like."""
    likes = dataset.positives()
    n_users, n_items = int(np.count_nonzero(np.diff(likes.indptr))), len(np.unique(likes.indices))
    return float(likes.nnz / np.sqrt(max(n_users * n_items, 1)))
