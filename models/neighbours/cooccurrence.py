"""Item-to-item weights from how often items are liked by the same users, a block of items at a time."""

from collections.abc import Callable

import numpy as np
from scipy.sparse import csr_array, vstack

from nightschool.contract import Float32s, Indices
from nightschool.ranking.foldin import fold_in
from nightschool.ranking.truncate import keep_largest

_BLOCK_BYTES = 64 << 20

Weigh = Callable[[Float32s, Indices], Float32s]
"""(sums, float32 [n_block, n_items], of these items, int32 [n_block]) → weights of that shape, perhaps in place."""


def weigh_cooccurrences(by_item: csr_array, by_user: csr_array, weigh: Weigh, n: int) -> csr_array:
    """Keep the n largest weights of each item for other items, CSR float32 [n_items, n_items].

    Args:
        by_item: CSR float32 [n_items, n_users].
        by_user: CSR float32 [n_users, n_items].
        weigh: Makes weights of some rows of by_item · by_user.
        n: Weights kept for each item; its weight for itself never is.
    """
    n_items = by_item.shape[0]
    step = max(1, _BLOCK_BYTES // (4 * n_items))
    kept = []
    for start in range(0, n_items, step):
        items = np.arange(start, min(start + step, n_items), dtype=np.int32)
        weights = weigh(fold_in(by_item[items], by_user), items)
        weights[items - start, items] = 0
        kept.append(keep_largest(weights, n))
    return vstack(kept, format="csr")
