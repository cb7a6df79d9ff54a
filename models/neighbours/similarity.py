"""The nearest rows of a matrix, by the columns they have in common."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numba import njit
from scipy.sparse import csr_array

from nightschool.contract import Indices
from nightschool.ranking.blocks import each_block
from nightschool.ranking.truncate import keep_places

# numba compiles the kernels by the types of their arguments, which annotations would not change.
# mypy: disable-error-code="no-untyped-def"

Similarity = Literal["cosine", "pearson"]
InBlocks = Callable[[Callable[[Indices], None], int], object]


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
        chance = np.float32(1 / n_columns if self.similarity == "pearson" else 0)
        sizes = np.bincount(by_column.indices, minlength=n_rows).astype(np.float32)
        width = min(self.k, n_rows)
        found = np.empty((asked.shape[0], width), np.int32), np.empty((asked.shape[0], width), np.float32)
        counts = np.zeros(asked.shape[0] + 1, dtype=np.int64)
        against = by_column.indptr, by_column.indices, sizes
        rows, measure = (asked.indptr, asked.indices), (chance, np.float32(self.shrinkage))
        in_blocks(lambda block: _nearest(block, rows, against, measure, found, counts[1:]), asked.shape[0])
        kept = np.arange(width) < counts[1:, None]
        return csr_array((found[1][kept], found[0][kept], np.cumsum(counts)), shape=(asked.shape[0], n_rows))


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
        for entry in range(len(own)):
            others = rows[column_starts[own[entry]] : column_starts[own[entry] + 1]]
            for place in range(len(others)):
                similarities[others[place]] += 1
        size = np.float32(len(own))
        expected = chance * size
        _normalise(similarities, sizes, spreads, (expected, np.sqrt(size * (1 - expected)), shrinkage))
        counts[row] = keep_places(similarities, found[0].shape[1], found[0][row])
        for place in range(counts[row]):
            found[1][row, place] = similarities[found[0][row, place]]


@njit(nogil=True, cache=True, error_model="numpy")
def _normalise(similarities, sizes, spreads, own):
    """Turn counts of common columns into similarities, in place."""
    expected, spread, shrinkage = own
    for other in range(len(similarities)):
        beyond_chance = max(similarities[other] - expected * sizes[other], np.float32(0))
        norm = spread * spreads[other] + shrinkage
        similarities[other] = beyond_chance / norm if spread * spreads[other] > 0 else np.float32(0)
