"""Likes as vectors of the length 1, which networks read."""

import numpy as np
from scipy.sparse import csr_array


def unit_rows(likes: csr_array) -> csr_array:
    """Return likes with 1/√n in place of 1 in a row of n likes, CSR float32 of the same shape."""
    counts = np.diff(likes.indptr)
    each = np.repeat(1 / np.sqrt(np.maximum(counts, 1)), counts).astype(np.float32)
    return csr_array((each, likes.indices, likes.indptr), shape=likes.shape)
