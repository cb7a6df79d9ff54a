"""Linear autoencoders: item-to-item weights in closed form, from one inverse of the item matrix."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray
from pydantic import Field
from scipy.linalg import get_lapack_funcs
from scipy.sparse import csr_array, vstack

from models.autoencoders.item_gram import Int64s, ItemGram
from models.autoencoders.local_ridge import solve_nearest
from models.base import ModelConfig
from nightschool.data.shape import Shape
from nightschool.errors import ConfigurationError, NightschoolError
from nightschool.ranking.truncate import keep_largest, keep_largest_entries

# numba compiles these by the types of their arguments, which annotations would not change.
# mypy: disable-error-code="no-untyped-def"

_BLOCK_ROWS = 512
_TILE = 64  # rows and columns of float64 that stay in the cache, read and written at once
_CHECKED_COLUMNS = 32
_RESIDUAL = 1e-3  # largest entry of A·A⁻¹ − I that float32 may leave; the weights' own size is about 1e-2 to 1
_BYTES_A_CELL = 8  # float32, and as much again where the factorisation must be repeated in float64
_BYTES_AN_ENTRY = 8  # of the sparse item matrix: column and value
_BYTES_A_WEIGHT = 24  # of the sparse form: as solved, by target and by history item

Float64s = NDArray[np.float64]
Shares = Callable[[Float64s, Float64s], Float64s]
"""(diagonal of A⁻¹, penalty) → the part of each column of EASE's weights that is kept."""


class AutoencoderConfig(ModelConfig):
    """How strongly the weights are shrunk and how many of them are kept."""

    l2: float = Field(default=500.0, gt=0, le=1e7, description="Added to the diagonal of the item co-occurrences.")
    dropout: float = Field(default=0.0, ge=0, lt=1, description="Share of a history that training leaves out.")
    weights_per_item: int = Field(default=400, ge=1, le=10_000, description="Weights kept for each history item.")
    neighbours: int = Field(
        default=200,
        ge=1,
        le=2000,
        description="Items that each item is learned from, where a dense matrix is too large.",
    )
    max_gigabytes: float = Field(default=4.0, gt=0, description="Memory that the item matrix may take, in GB.")

    def is_dense(self, n_items: int) -> bool:
        """Return whether the item matrix fits into its memory."""
        return n_items**2 * _BYTES_A_CELL / 1e9 <= self.max_gigabytes

    def seconds(self, shape: Shape) -> float:
        """Estimate the seconds to solve for the weights of data of this shape."""
        if self.is_dense(shape.items):
            return 1e-9 * shape.item_pairs + 1.2e-8 * shape.items**2 + 3.6e-12 * shape.items**3
        return 4e-9 * shape.item_pairs + 1e-8 * shape.items * self.neighbours**2


@dataclass(frozen=True)
class Autoencoder:
    """What to solve: A = G + diag(l2 + dropout / (1 − dropout) · likes of the item).

    Attributes:
        name: The model's name, for errors.
        config: Its hyper-parameters.
        item_gram: The item matrix G.
        shares: How much of each column of EASE's weights is kept.
    """

    name: str
    config: AutoencoderConfig
    item_gram: ItemGram
    shares: Shares

    @property
    def penalty(self) -> Float64s:
        """Penalty that is added to the diagonal, float64 [n_items]."""
        dropout = self.config.dropout
        return self.config.l2 + dropout / (1 - dropout) * self.item_gram.counts()

    def learn(self) -> tuple[csr_array, str | None]:
        """Solve for the weights, CSR float32 [n_items, n_items]; the note tells where memory forced the sparse form.

        Raises:
            ConfigurationError: Even the sparse form needs more memory than there may be.
            NightschoolError: The matrix has no inverse.
        """
        n_items = self.item_gram.n_items
        if self.config.is_dense(n_items):
            return self._dense(), None
        gigabytes = n_items**2 * _BYTES_A_CELL / 1e9
        note = (
            f"{self.name}: {n_items:,} items would need {gigabytes:.2g} GB as a dense matrix, so each was learned from "
            f"its {self.config.neighbours} nearest alone"
        )
        return self._sparse(), note

    def _dense(self) -> csr_array:
        inverse = self._checked_inverse()
        own = inverse.diagonal().astype(np.float64)
        scale = (-self.shares(own, self.penalty) / own).astype(np.float32)
        kept = []
        for start in range(0, len(inverse), _BLOCK_ROWS):
            rows = inverse[start : start + _BLOCK_ROWS].astype(np.float32)
            rows *= scale
            place = np.arange(len(rows))
            rows[place, start + place] = 0
            kept.append(keep_largest(rows, self.config.weights_per_item))
        return vstack(kept, format="csr")

    def _sparse(self) -> csr_array:
        counts = self.item_gram.entries_by_row()
        n_weights = self.item_gram.n_items * self.config.neighbours
        gigabytes = (int(counts.sum()) * _BYTES_AN_ENTRY + n_weights * _BYTES_A_WEIGHT) / 1e9
        if gigabytes > self.config.max_gigabytes:
            raise ConfigurationError(
                f"{self.name} needs {gigabytes:.2g} GB for {self.item_gram.n_items:,} items even in its sparse form",
                seen=f"max_gigabytes={self.config.max_gigabytes:g}",
                do=f"raise {self.name}.max_gigabytes, lower {self.name}.neighbours, or leave {self.name} out",
            )
        found = solve_nearest(self.item_gram, self.item_gram.sparse(counts), self.penalty, self.config.neighbours)
        if np.isnan(found.own).any():
            raise self._no_inverse()
        shares = self.shares(found.own, self.penalty)
        return keep_largest_entries(found.by_history_item(shares), self.config.weights_per_item)

    def _checked_inverse(self) -> NDArray[np.floating]:
        """Invert A, [n_items, n_items], in float32 where that is exact enough and in float64 otherwise."""
        popular = int(self.item_gram.counts().argmax())
        spaced = np.linspace(0, self.item_gram.n_items - 1, _CHECKED_COLUMNS).astype(np.int64)
        checked = np.unique(np.append(spaced, popular))
        for dtype in (np.float32, np.float64):
            inverse = self._rows(np.arange(self.item_gram.n_items), dtype)
            if invert(inverse) and _residual(self._rows(checked, dtype), inverse, checked) <= _RESIDUAL:
                return inverse
            del inverse  # two of them at once would not fit the budget
        raise self._no_inverse()

    def _rows(self, items: Int64s, dtype: type[np.floating]) -> NDArray[np.floating]:
        """Return some rows of A, dense [n, n_items]."""
        rows = self.item_gram.rows(items, dtype)
        rows[np.arange(len(items)), items] += self.penalty[items].astype(dtype)
        return rows

    def _no_inverse(self) -> NightschoolError:
        return NightschoolError(
            "the item matrix cannot be inverted", seen=f"l2={self.config.l2:g}", do=f"raise {self.name}.l2"
        )


def invert(matrix: NDArray[np.floating]) -> bool:
    """Invert a symmetric matrix in place, reading its upper triangle; return whether it has an inverse."""
    potrf, potri = get_lapack_funcs(("potrf", "potri"), (matrix,))
    # LAPACK counts by column: the transposed view makes the upper triangle its lower one and spares a copy.
    factor, failed = potrf(matrix.T, lower=1, clean=0, overwrite_a=1)
    if failed:
        return False
    inverse, failed = potri(factor, lower=1, overwrite_c=1)
    _mirror(matrix)
    return not failed and np.shares_memory(inverse, matrix)


@njit(parallel=True, cache=True)
def _mirror(matrix):
    """Copy the upper triangle below the diagonal, in place."""
    n = len(matrix)
    for tile in prange((n + _TILE - 1) // _TILE):
        first, last = tile * _TILE, min(n, (tile + 1) * _TILE)
        for left in range(0, last, _TILE):
            for row in range(first, last):
                for column in range(left, min(left + _TILE, row)):
                    matrix[row, column] = matrix[column, row]


def _residual(rows: NDArray[np.floating], inverse: NDArray[np.floating], checked: Int64s) -> float:
    """Return the largest entry of A·P − I over the checked rows of A."""
    product = rows @ inverse
    product[np.arange(len(checked)), checked] -= 1
    return float(np.abs(product).max())


def spread(weights: csr_array, items: Int64s, n_items: int) -> csr_array:
    """Place weights among some items in a matrix of all items, CSR [n_items, n_items]; the others have none.

    Args:
        weights: CSR [len(items), len(items)].
        items: int64, ascending.
        n_items: How many items there are.
    """
    counts = np.zeros(n_items + 1, dtype=np.int64)
    counts[items + 1] = np.diff(weights.indptr)
    columns = items[weights.indices].astype(np.int32)
    return csr_array((weights.data, columns, np.cumsum(counts)), shape=(n_items, n_items))
