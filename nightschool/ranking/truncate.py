"""Item-to-item weights cut to the largest of each history item."""

import numpy as np
from scipy.sparse import csr_array

from nightschool.contract import Float32s
from nightschool.ranking.topk import top_k


def keep_largest(rows: Float32s, n: int) -> csr_array:
    """The n entries of largest size in each row, CSR float32 of the same shape, columns ascending; zeros are dropped.

    Equal sizes are kept by ascending column.

    Args:
        rows: float32 [n_rows, n_columns].
        n: Entries kept in each row.
    """
    sizes = np.abs(rows)
    sizes[sizes == 0] = -np.inf
    kept = top_k(sizes, n).items
    places, ranks = np.nonzero(kept >= 0)
    columns = kept[places, ranks]
    cut = csr_array((rows[places, columns], (places, columns)), shape=rows.shape)
    cut.sort_indices()
    return cut
