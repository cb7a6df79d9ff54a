"""Users who have left by T: models are fitted on their history, and they get no list."""

import numpy as np
from scipy.sparse import csr_array, diags_array

from nightschool.contract import Dataset, Mask


def present(dataset: Dataset) -> Mask:
    """Return a mask of the users who have not left, bool [n_users]."""
    return np.ones(dataset.n_users, dtype=bool) if dataset.departed is None else ~dataset.departed


def rows_of_present(rows: csr_array, dataset: Dataset) -> csr_array:
    """Return the matrix [n_users, …] with the rows of users who have left emptied."""
    if dataset.departed is None:
        return rows
    kept = csr_array(diags_array(present(dataset).astype(np.float32)) @ rows)
    kept.eliminate_zeros()
    return kept
