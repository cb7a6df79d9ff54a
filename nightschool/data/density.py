"""Density of a matrix of likes."""

import numpy as np
from scipy.sparse import csr_array


def mean_degree(likes: csr_array) -> float:
    """Return the geometric mean of likes per user and likes per item, over those with any; 0 without a like.

    Args:
        likes: CSR [n_users, n_items], an entry for each like and no other.
    """
    n_users, n_items = int(np.count_nonzero(np.diff(likes.indptr))), len(np.unique(likes.indices))
    return float(likes.nnz / np.sqrt(max(n_users * n_items, 1)))
