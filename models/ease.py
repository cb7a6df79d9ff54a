"""EASE: item-to-item weights in closed form, of which each history item keeps its largest."""

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.linalg import get_lapack_funcs
from scipy.sparse import csr_array, vstack

from models.base import ItemToItem, ModelConfig
from nightschool.contract import Dataset, Space, Span
from nightschool.errors import ConfigurationError, DataRefused, NightschoolError
from nightschool.ranking.truncate import keep_largest

_BLOCK_ROWS = 512
_CHECKED_COLUMNS = 32
_RESIDUAL = 1e-3  # largest entry of G·G⁻¹ − I that float32 may leave; the weights' own size is about 1e-2 to 1
_BYTES_A_CELL = 8  # float32, and as much again where the factorisation must be repeated in float64


class EaseConfig(ModelConfig):
    """How strongly the weights are shrunk and how many of them are kept."""

    l2: float = Field(default=500.0, gt=0, le=1e7, description="Added to the diagonal of the item co-occurrences.")
    weights_per_item: int = Field(default=400, ge=1, le=10_000, description="Weights kept for each history item.")
    weighted: bool = Field(default=False, description="Learn from the score's share of the highest, not from ones.")
    max_gigabytes: float = Field(default=4.0, gt=0, description="Memory that the dense item matrix may take, in GB.")

    space: ClassVar[Space] = {"l2": Span(50.0, 5000.0, log=True)}


class Ease(ItemToItem):
    """Ranks by the summed weights of what a user liked, score = X · B with B = −P / diag(P), P = (XᵀX + l2·I)⁻¹.

    X is binary: one where the score is above zero. Weighted, B is learned from the score's share of the highest, and a
    history still speaks in ones, as it does where it is served. Of each row of B, the `weights_per_item` entries of
    largest size are kept, and this truncated form is the model: it is what is evaluated, stored and served.

    Reference:
        Steck, "Embarrassingly Shallow Autoencoders for Sparse Data", WWW 2019.
    """

    name = "ease"
    config_type = EaseConfig

    config: EaseConfig

    def _learn(self, dataset: Dataset, _seed: int) -> None:
        positives = dataset.weighted_positives() if self.config.weighted else dataset.positives()
        liked = np.flatnonzero(np.bincount(positives.indices, minlength=dataset.n_items))
        if not len(liked):
            raise DataRefused("ease needs scores above zero", seen="none", do="leave ease out of these data")
        needed = len(liked) ** 2 * _BYTES_A_CELL / 1e9
        if needed > self.config.max_gigabytes:
            raise ConfigurationError(
                f"ease needs {needed:.2g} GB for {len(liked)} items",
                seen=f"max_gigabytes={self.config.max_gigabytes:g}",
                do="raise ease.max_gigabytes, or leave ease out",
            )
        inverse = _checked_inverse(positives[:, liked], self.config.l2)
        self.weights = _spread(_largest_weights(inverse, self.config.weights_per_item), liked, dataset.n_items)


def _checked_inverse(positives: csr_array, l2: float) -> NDArray[np.floating]:
    """(XᵀX + l2·I)⁻¹, [n, n], in float32 where that is exact enough and in float64 otherwise."""
    for dtype in (np.float32, np.float64):
        gram = _gram(positives, dtype)
        gram[np.diag_indices_from(gram)] += dtype(l2)
        if _invert(gram) and _residual(positives, l2, gram) <= _RESIDUAL:
            return gram
    raise NightschoolError("the item matrix cannot be inverted", seen=f"l2={l2:g}", do="raise ease.l2")


def _gram(positives: csr_array, dtype: type[np.floating]) -> NDArray[np.floating]:
    """The upper triangle of XᵀX, dense [n, n]; below the diagonal it is undefined."""
    n_items = positives.shape[1]
    gram = np.zeros((n_items, n_items), dtype=dtype)
    by_item = positives.T.tocsr()
    for start in range(0, n_items, _BLOCK_ROWS):
        rows = slice(start, start + _BLOCK_ROWS)
        gram[rows, start:] = (by_item[rows] @ positives[:, start:]).toarray()
    return gram


def _invert(gram: NDArray[np.floating]) -> bool:
    """Whether the matrix, of which the upper triangle is read, could be inverted in place."""
    potrf, potri = get_lapack_funcs(("potrf", "potri"), (gram,))
    # LAPACK counts by column: the transposed view makes the upper triangle its lower one and spares a copy.
    factor, failed = potrf(gram.T, lower=1, clean=0, overwrite_a=1)
    if failed:
        return False
    inverse, failed = potri(factor, lower=1, overwrite_c=1)
    _mirror(inverse.T)
    return not failed and np.shares_memory(inverse, gram)


def _mirror(matrix: NDArray[np.floating]) -> None:
    """Copies the upper triangle below the diagonal, in place."""
    for start in range(0, len(matrix), _BLOCK_ROWS):
        stop = start + _BLOCK_ROWS
        matrix[stop:, start:stop] = matrix[start:stop, stop:].T
        corner = matrix[start:stop, start:stop]
        corner[...] = np.triu(corner) + np.triu(corner, 1).T


def _residual(positives: csr_array, l2: float, inverse: NDArray[np.floating]) -> float:
    """The largest entry of (XᵀX + l2·I)·P − I over evenly spaced columns and the most popular item's."""
    n_items = len(inverse)
    popular = np.bincount(positives.indices, minlength=n_items).argmax()
    columns = np.unique(np.append(np.linspace(0, n_items - 1, _CHECKED_COLUMNS).astype(np.int64), popular))
    checked = inverse[:, columns].astype(np.float64)
    product = positives.T @ (positives @ checked) + l2 * checked
    product[columns, np.arange(len(columns))] -= 1
    return float(np.abs(product).max())


def _largest_weights(inverse: NDArray[np.floating], n: int) -> csr_array:
    """The n largest weights of each history item, B = −P / diag(P) by column with a zero diagonal, CSR [n, n]."""
    scale = -1 / inverse.diagonal()
    kept = []
    for start in range(0, len(inverse), _BLOCK_ROWS):
        rows = (inverse[start : start + _BLOCK_ROWS] * scale).astype(np.float32)
        own = np.arange(len(rows))
        rows[own, start + own] = 0
        kept.append(keep_largest(rows, n))
    return vstack(kept, format="csr")


def _spread(weights: csr_array, items: NDArray[np.int64], n_items: int) -> csr_array:
    """Weights among some items as weights among all, CSR [n_items, n_items]; the others have none."""
    counts = np.zeros(n_items + 1, dtype=np.int64)
    counts[items + 1] = np.diff(weights.indptr)
    columns = items[weights.indices].astype(np.int32)
    return csr_array((weights.data, columns, np.cumsum(counts)), shape=(n_items, n_items))
