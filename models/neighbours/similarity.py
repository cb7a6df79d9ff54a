"""The nearest rows of a matrix, by the columns they have in common."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.sparse import csr_array

from nightschool.contract import Float32s, Indices
from nightschool.ranking.blocks import each_block
from nightschool.ranking.truncate import keep_places

# numba compiles the kernels by the types of their arguments, which annotations would not change.
# mypy: disable-error-code="no-untyped-def"

Similarity = Literal["cosine", "pearson"]
InBlocks = Callable[[Callable[[Indices], None], int], object]

Sets = tuple[NDArray[np.int64], Indices]
_Found = tuple[Indices, Float32s]
_Work = Callable[[Indices, _Found, NDArray[np.int64]], None]


@dataclass(frozen=True)
class SetSimilarity:
    """Similarity of two rows with n and m of N columns, s of them in common.

    The cosine is s / (√(n·m) + shrinkage). Pearson's correlation takes from s the n·m / N that chance gives, and from
    n and m likewise; what is below zero counts as zero.

    Attributes:
        similarity: Which of the two.
        shrinkage: What rows with little to compare lose by.
        k: The nearest rows to keep; of equal ones the first.
    """

    similarity: Similarity
    shrinkage: float
    k: int

    def among_themselves(self, rows: csr_array) -> csr_array:
        """Find the nearest rows of each row, itself included, CSR float32 [n, n], on all cores."""
        return self._find(each_block, rows, rows.T.tocsr())

    def to_rows(self, asked: csr_array, by_column: csr_array) -> csr_array:
        """Find the rows of a matrix nearest to each of other rows, CSR float32 [n_asked, n].

        Args:
            asked: CSR [n_asked, n_columns].
            by_column: The matrix turned, CSR [n_columns, n].
        """
        return self._find(_at_once, asked, by_column)

    def _find(self, in_blocks: InBlocks, asked: csr_array, by_column: csr_array) -> csr_array:
        n_columns, n_rows = by_column.shape
        sizes = np.bincount(by_column.indices, minlength=n_rows).astype(np.float32)
        against = by_column.indptr, by_column.indices, sizes
        rows, measure = (asked.indptr, asked.indices), self._measure(n_columns)

        def work(block: Indices, found: _Found, counts: NDArray[np.int64]) -> None:
            _nearest(block, rows, against, measure, found, counts)

        return self._gather(in_blocks, work, asked.shape[0], n_rows)

    def of_counts(self, shared: Float32s, sizes: Float32s, own_sizes: Float32s, n_columns: int) -> csr_array:
        """Find the rows nearest to some rows from how many columns they share, CSR float32 [n_asked, n].

        Args:
            shared: float32 [n_asked, n], as `add_shared` counts them; used up.
            sizes: float32 [n], the columns of each row.
            own_sizes: float32 [n_asked], the columns of each row that is asked about.
            n_columns: How many columns there are.
        """
        measure = self._measure(n_columns)

        def work(block: Indices, found: _Found, counts: NDArray[np.int64]) -> None:
            _keep_rows(block, shared, (sizes, own_sizes), measure, found, counts)

        return self._gather(each_block, work, *shared.shape)

    def _measure(self, n_columns: int) -> tuple[np.float32, np.float32]:
        """Return what of two rows chance makes common, and the shrinkage."""
        return np.float32(1 / n_columns if self.similarity == "pearson" else 0), np.float32(self.shrinkage)

    def _gather(self, in_blocks: InBlocks, work: _Work, n_asked: int, n_rows: int) -> csr_array:
        width = min(self.k, n_rows)
        found = np.empty((n_asked, width), np.int32), np.empty((n_asked, width), np.float32)
        counts = np.zeros(n_asked + 1, dtype=np.int64)
        in_blocks(lambda block: work(block, found, counts[1:]), n_asked)
        kept = np.arange(width) < counts[1:, None]
        return csr_array((found[1][kept], found[0][kept], np.cumsum(counts)), shape=(n_asked, n_rows))


def add_shared(asked: Sets, by_column: Sets, shared: Float32s) -> None:
    """Add how many columns each row that is asked about has in common with each row of a matrix, on all cores.

    Args:
        asked: Where the columns of each row begin, int64 [n_asked + 1], and the columns, int32.
        by_column: Likewise the rows of each column of the matrix.
        shared: float32 [n_asked, n], what to add to.
    """
    each_block(lambda block: _count_rows(block, asked, by_column, shared), len(shared))


def _at_once(work: Callable[[Indices], None], n_rows: int) -> None:
    work(np.arange(n_rows, dtype=np.int32))


@njit(nogil=True, cache=True, error_model="numpy")
def _nearest(block, asked, against, measure, found, counts):
    """Fill `found` with rows, ascending, and their similarities, and `counts` with how many."""
    starts, columns = asked
    column_starts, rows, sizes = against
    chance, shrinkage = measure
    spreads = np.sqrt(sizes * (1 - chance * sizes))
    similarities = np.empty(len(sizes), np.float32)
    for row in block:
        own = columns[starts[row] : starts[row + 1]]
        similarities[:] = 0
        _count(own, column_starts, rows, similarities)
        counts[row] = _keep(similarities, (sizes, spreads), np.float32(len(own)), (chance, shrinkage), found, row)


@njit(nogil=True, cache=True)
def _count_rows(block, asked, by_column, shared):
    """Add to `shared`, float32 [n_asked, n_rows], how many columns each row of a block has in common with each row."""
    for row in block:
        _count(asked[1][asked[0][row] : asked[0][row + 1]], by_column[0], by_column[1], shared[row])


@njit(nogil=True, cache=True, error_model="numpy")
def _keep_rows(block, shared, against, measure, found, counts):
    """Fill `found` and `counts` as `_nearest` does, from rows of shared columns and the sizes of these rows."""
    sizes, own_sizes = against
    spreads = np.sqrt(sizes * (1 - measure[0] * sizes))
    for row in block:
        counts[row] = _keep(shared[row], (sizes, spreads), own_sizes[row], measure, found, row)


@njit(cache=True)
def _count(own, column_starts, rows, shared):
    for entry in range(len(own)):
        others = rows[column_starts[own[entry]] : column_starts[own[entry] + 1]]
        for place in range(len(others)):
            shared[others[place]] += 1


@njit(cache=True, error_model="numpy")
def _keep(shared, against, size, measure, found, row):
    """Turn counts of shared columns into similarities, and keep the largest of a row; return how many."""
    sizes, spreads = against
    chance, shrinkage = measure
    expected = chance * size
    _normalise(shared, sizes, spreads, (expected, np.sqrt(size * (1 - expected)), shrinkage))
    count = keep_places(shared, found[0].shape[1], found[0][row])
    for place in range(count):
        found[1][row, place] = shared[found[0][row, place]]
    return count


@njit(nogil=True, cache=True, error_model="numpy")
def _normalise(similarities, sizes, spreads, own):
    """Turn counts of common columns into similarities, in place."""
    expected, spread, shrinkage = own
    for other in range(len(similarities)):
        beyond_chance = max(similarities[other] - expected * sizes[other], np.float32(0))
        norm = spread * spreads[other] + shrinkage
        similarities[other] = beyond_chance / norm if spread * spreads[other] > 0 else np.float32(0)
