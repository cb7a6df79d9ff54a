"""Scores of any history under item-to-item weights, for users a model never saw."""

import numpy as np
from numba import njit
from scipy.sparse import csr_array

from nightschool.contract import Float32s


def fold_in(history: csr_array, weights: csr_array) -> Float32s:
    """Sum the history's weights, float32 [n, n_items]: score(u, j) = Σ_i history[u, i] · weights[i, j].

    A row's sum runs over its own history only, so one user's scores are the same bits alone and in any block.

    Args:
        history: CSR float32 [n, n_items].
        weights: CSR float32 [n_items of the history, n_items to recommend].
    """
    scores = np.zeros((history.shape[0], weights.shape[1]), dtype=np.float32)
    _add_weights(
        (history.indptr, history.indices, history.data), (weights.indptr, weights.indices, weights.data), scores
    )
    return scores


@njit(nogil=True, cache=True)
def _add_weights(history, weights, scores):  # type: ignore[no-untyped-def]  # numba compiles it by argument
    """Add to `scores`."""
    starts, items, values = history
    weight_starts, neighbours, strengths = weights
    for row in range(scores.shape[0]):
        sums = scores[row]
        for entry in range(starts[row], starts[row + 1]):
            value = values[entry]
            weights_of_item = slice(weight_starts[items[entry]], weight_starts[items[entry] + 1])
            targets, weights_to_add = neighbours[weights_of_item], strengths[weights_of_item]
            for place in range(len(targets)):
                sums[targets[place]] += value * weights_to_add[place]


def positive(history: csr_array) -> csr_array:
    """Return the history as a set: ones where the score is above zero, CSR float32 of the same shape."""
    liked = history.data > 0
    kept = np.concatenate([[0], np.cumsum(liked)])[history.indptr]
    return csr_array((np.ones(kept[-1], dtype=np.float32), history.indices[liked], kept), shape=history.shape)
