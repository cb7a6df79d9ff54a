"""Users who have left by T: their history teaches, and no list is made for them."""

import numpy as np
from scipy.sparse import csr_array, diags_array

from nightschool.contract import Dataset, Mask


def present(dataset: Dataset) -> Mask:
    """Return bool[n_users], the users who have not left."""
    return np.ones(dataset.n_users, dtype=bool) if dataset.departed is None else ~dataset.departed


def rows_of_present(rows: csr_array, dataset: Dataset) -> csr_array:
    """Return a matrix with one row a user, the rows of users who have left without entries."""
    if dataset.departed is None:
        return rows
    kept = csr_array(diags_array(present(dataset).astype(np.float32)) @ rows)
    kept.eliminate_zeros()
    return kept
