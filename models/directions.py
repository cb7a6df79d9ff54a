"""The directions in which the rows of a matrix are longest."""

from typing import Final, NamedTuple

import numpy as np
from scipy.sparse import csr_array

from nightschool.contract import Float32s

SPARE: Final = 10
"""Directions beyond those that are asked for, with which these are found sooner."""
_PASSES = 4  # over the rows; with more, no list that was looked at got better
_ROUNDING = 1e-6  # of the largest squared length; what lies below is none


class Directions(NamedTuple):
    """Directions by the length of the rows along them, the shortest first: the columns of `basis` @ `turn`.

    Attributes:
        basis: float32 [n_columns, d], orthonormal.
        projected: float32 [n_rows, d], the rows along `basis`.
        turn: float32 [d, up to d].
        largest: The squared length of all rows along the last direction: the largest squared singular value.
    """

    basis: Float32s
    projected: Float32s
    turn: Float32s
    largest: float

    @classmethod
    def of(cls, matrix: csr_array | Float32s, transposed: csr_array | Float32s, number: int, seed: int) -> "Directions":
        """Find the longest directions, `number` and a few more, by subspace iteration.

        Args:
            matrix: float32 [n_rows, n_columns].
            transposed: The same, transposed.
            number: How many are wanted.
            seed: Of the directions that the search begins with.

        Reference:
            Halko, Martinsson and Tropp, "Finding Structure with Randomness", SIAM Review 53(2), 2011.
        """
        n_columns = matrix.shape[1]
        size = n_columns, min(number + SPARE, n_columns)
        basis = np.random.default_rng(seed).standard_normal(size, dtype=np.float32)
        for _ in range(_PASSES):
            basis, _triangle = np.linalg.qr(transposed @ (matrix @ basis))
        projected = matrix @ basis
        squared, turn = np.linalg.eigh(projected.T @ projected)
        return cls(basis, projected, turn[:, squared > _ROUNDING * squared[-1]], float(squared[-1]))
