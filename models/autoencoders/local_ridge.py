"""Ridge regressions of each item on its nearest neighbours alone, for catalogues too large for a dense matrix."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.sparse import csr_array

from models.autoencoders.item_gram import ItemGram, add_products, parts_of
from nightschool.contract import Float32s, Indices
from nightschool.ranking.blocks import each_block
from nightschool.ranking.truncate import keep_places

# numba compiles these by the types of their arguments, which annotations would not change.
# mypy: disable-error-code="no-untyped-def"

_SINGULAR = 1e-12  # of the diagonal; what is left of it below that is rounding

Float64s = NDArray[np.float64]


@dataclass(frozen=True)
class Solutions:
    """One regression a target item, from the matrix A = G + diag(penalty) cut to its neighbours and itself.

    Attributes:
        neighbours: int32 [n_items, m], ascending; what is beyond `counts` means nothing.
        weights: float32 [n_items, m], the neighbours' weights for the target.
        counts: Neighbours of each target, int64 [n_items].
        own: The target's own entry of the inverse of that matrix, float64 [n_items]; NaN where it has no inverse.
    """

    neighbours: Indices
    weights: Float32s
    counts: NDArray[np.int64]
    own: Float64s

    @classmethod
    def empty(cls, n_items: int, width: int) -> Self:
        """Return solutions of so many items to be filled in, without a neighbour."""
        return cls(
            np.zeros((n_items, width), dtype=np.int32),
            np.zeros((n_items, width), dtype=np.float32),
            np.zeros(n_items, dtype=np.int64),
            np.zeros(n_items),
        )

    def by_history_item(self, shares: Float64s) -> csr_array:
        """Multiply weights by their target's share, CSR float32 [n_items of the history, n_items to recommend]."""
        written = np.arange(self.weights.shape[1]) < self.counts[:, None]
        scaled = (self.weights * shares.astype(np.float32)[:, None])[written]
        starts = np.concatenate([[0], np.cumsum(self.counts)])
        by_target = csr_array((scaled, self.neighbours[written], starts), shape=(len(self.counts),) * 2)
        return by_target.T.tocsr()


def solve_nearest(item_gram: ItemGram, gram: csr_array, penalty: Float64s, m: int) -> Solutions:
    """Solve min ‖x_j − X_N b‖² + bᵀ·diag(penalty)·b for each item j and its m nearest neighbours N.

    Nearest are those that alone would leave the smallest residual: the largest |G_ij| / √A_ii.

    Args:
        item_gram: The item matrix.
        gram: What `item_gram.sparse` returns.
        penalty: float64 [n_items].
        m: Neighbours of each target; fewer where fewer have anything in common with it.
    """
    n_items = item_gram.n_items
    width = min(m, n_items - 1)
    found = Solutions.empty(n_items, width)
    item_matrix = parts_of(gram), item_gram.described(), item_gram.diagonal() + penalty
    results = found.neighbours, found.weights, found.counts, found.own
    each_block(lambda block: _solve_block(block, item_matrix, results), n_items)
    return found


@njit(nogil=True, cache=True)
def _solve_block(block, item_matrix, results):
    gram, described, diagonal = item_matrix
    neighbours, weights, counts, own = results
    n_items, width = weights.shape
    row, features = np.empty(n_items, np.float32), np.zeros(len(described[1][0]) - 1, np.float32)
    matrix, solution = np.empty((width, width)), np.empty(width)
    for target in block:
        _fill_row(row, target, gram, described)
        near = (np.abs(row) / np.sqrt(diagonal)).astype(np.float32)
        counts[target] = keep_places(near, width, neighbours[target])
        chosen = neighbours[target, : counts[target]]
        gather(matrix, chosen, gram)
        if described[2] > 0:
            _gather_described(matrix, chosen, described, features)
        for place in range(len(chosen)):
            matrix[place, place] = diagonal[chosen[place]]
            solution[place] = row[chosen[place]]
        solved = solve_definite(matrix, solution, len(chosen))
        rest = diagonal[target]
        for place in range(len(chosen)):
            weights[target, place] = solution[place]
            rest -= row[chosen[place]] * solution[place]
        own[target] = 1 / rest if solved and rest > _SINGULAR * diagonal[target] else np.nan


@njit(cache=True)
def _fill_row(row, target, gram, described):
    """Write the row of G without its diagonal."""
    starts, columns, values = gram
    row[:] = 0
    for entry in range(starts[target], starts[target + 1]):
        row[columns[entry]] = values[entry]
    add_products(row, target, described)
    row[target] = 0


@njit(cache=True)
def gather(matrix, chosen, gram):
    """Write the entries of a sparse G between the chosen items above the diagonal of the matrix."""
    starts, columns, values = gram
    for place in range(len(chosen)):
        item = chosen[place]
        own = columns[starts[item] : starts[item + 1]]
        shared = values[starts[item] : starts[item + 1]]
        entry = 0
        for other in range(place + 1, len(chosen)):
            entry += np.searchsorted(own[entry:], chosen[other])
            meets = entry < len(own) and own[entry] == chosen[other]
            matrix[place, other] = shared[entry] if meets else 0.0


@njit(cache=True)
def _gather_described(matrix, chosen, described, features):
    """Add content between the chosen items; `features` is a row of zeros, before and after."""
    (starts, names, values), _, weight = described
    for place in range(len(chosen)):
        own = slice(starts[chosen[place]], starts[chosen[place] + 1])
        features[names[own]] = values[own]
        for other in range(place + 1, len(chosen)):
            dot = np.float32(0)
            for entry in range(starts[chosen[other]], starts[chosen[other] + 1]):
                dot += features[names[entry]] * values[entry]
            matrix[place, other] += weight * dot
        features[names[own]] = 0


@njit(cache=True)
def solve_definite(matrix, solution, n):
    """Solve A x = b in place by Cholesky, A becoming its factor and b the solution; return whether A is definite."""
    smallest = 0.0
    for pivot in range(n):
        smallest = max(smallest, _SINGULAR * matrix[pivot, pivot])
    for pivot in range(n):
        if matrix[pivot, pivot] <= smallest:
            return False
        row = matrix[pivot, pivot:n]
        row /= np.sqrt(row[0])
        solution[pivot] /= row[0]
        for other in range(pivot + 1, n):
            below, factor = matrix[other, other:n], row[other - pivot]
            right = row[other - pivot :]
            for place in range(len(below)):
                below[place] -= factor * right[place]
            solution[other] -= factor * solution[pivot]
    for pivot in range(n - 1, -1, -1):
        for other in range(pivot + 1, n):
            solution[pivot] -= matrix[pivot, other] * solution[other]
        solution[pivot] /= matrix[pivot, pivot]
    return True
