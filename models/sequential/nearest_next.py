"""Regressions of what comes next on the items that precede it most, for catalogues too large for dense matrices."""

import numpy as np
from numba import njit
from scipy.sparse import csr_array

from models.autoencoders.item_gram import parts_of
from models.autoencoders.local_ridge import Solutions, gather, solve_definite
from nightschool.ranking.blocks import each_block
from nightschool.ranking.truncate import keep_places

# numba compiles these by the types of their arguments, which annotations would not change.
# mypy: disable-error-code="no-untyped-def"

_BESIDE = np.float32(1e-3)  # what common pasts count beside preceding, where fewer items than wanted precede


def solve_preceding(gram: csr_array, before: csr_array, l2: float, m: int) -> Solutions:
    """Solve (G + l2 · I) b = c for each item j, cut to the m items that precede it most.

    Those are the ones that alone would leave the smallest residual: the largest |c_i| / √(G_ii + l2); after them those
    with the most in common with j in the same pasts, j among them. `own` is NaN where the matrix is not definite.

    Args:
        gram: G = AᵀA, CSR float32 [n_items, n_items], columns ascending.
        before: Row j is c = (AᵀF)_·j, CSR float32 likewise.
        l2: Added to the diagonal.
        m: Items in each regression; fewer where fewer have anything in common with it.
    """
    n_items = gram.shape[0]
    width = min(m, n_items)
    found = Solutions.empty(n_items, width)
    matrices = parts_of(gram), parts_of(before), gram.diagonal().astype(np.float64) + l2
    results = found.neighbours, found.weights, found.counts, found.own
    each_block(lambda block: _solve_block(block, matrices, results), n_items)
    return found


@njit(nogil=True, cache=True)
def _solve_block(block, matrices, results):
    gram, before, diagonal = matrices
    neighbours, weights, counts, own = results
    n_items, width = weights.shape
    near, row = np.empty(n_items, np.float32), np.empty(n_items, np.float32)
    matrix, solution = np.empty((width, width)), np.empty(width)
    for target in block:
        if before[0][target] == before[0][target + 1]:
            continue
        _fill(near, row, target, gram, before)
        scaled = (near / np.sqrt(diagonal)).astype(np.float32)
        counts[target] = keep_places(scaled, width, neighbours[target])
        chosen = neighbours[target, : counts[target]]
        gather(matrix, chosen, gram)
        for place in range(len(chosen)):
            matrix[place, place] = diagonal[chosen[place]]
            solution[place] = row[chosen[place]]
        if not solve_definite(matrix, solution, len(chosen)):
            own[target] = np.nan
        for place in range(len(chosen)):
            weights[target, place] = 0.0 if chosen[place] == target else solution[place]


@njit(cache=True)
def _fill(near, row, target, gram, before):
    """Write the target's row of `before`, and how much each item says of it."""
    near[:], row[:] = 0, 0
    starts, columns, values = gram
    for entry in range(starts[target], starts[target + 1]):
        near[columns[entry]] = _BESIDE * values[entry]
    starts, columns, values = before
    for entry in range(starts[target], starts[target + 1]):
        near[columns[entry]] += values[entry]
        row[columns[entry]] = values[entry]
