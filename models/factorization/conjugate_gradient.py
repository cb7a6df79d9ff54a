"""Many small weighted ridge regressions against the same factors, each solved by conjugate gradients."""

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.sparse import csr_array
from threadpoolctl import threadpool_limits

from nightschool.contract import Float32s
from nightschool.ranking.blocks import each_block

# numba compiles the kernels by the types of their arguments, which annotations would not change.
# mypy: disable-error-code="no-untyped-def"

_ROWS_A_BLOCK = 256
EXACT = 1e-6
"""Residual, as a part of the right-hand side, below which float32 sees no difference."""


def principal_axes(factors: Float32s) -> tuple[Float32s, NDArray[np.float64]]:
    """Rotate factors so that FᵀF is diagonal, float32 [n, d]; also return that diagonal, float64 [d].

    Scores do not change when both sides are rotated by the same matrix. It runs on one thread: several wait for
    each other in so many small steps that on a busy machine they take many times as long, and on an idle one save
    little.
    """
    with threadpool_limits(1):
        spectrum, axes = np.linalg.eigh((factors.T @ factors).astype(np.float64))
        turned: Float32s = factors @ axes.astype(np.float32)
    return turned, np.maximum(spectrum, 0)


def solve_on_all_cores(
    weights: csr_array, factors: Float32s, floor: Float32s, slope: float, residual: float = EXACT
) -> Float32s:
    """Return what `solve` returns, the same bits, on all cores.

    Args:
        weights: As there.
        factors: As there.
        floor: As there.
        slope: As there.
        residual: What may be left of the right-hand side, as a part of it.
    """
    solved = np.zeros((weights.shape[0], factors.shape[1]), dtype=np.float32)
    parts, against = _parts(weights), _against(factors, floor, slope, residual)
    each_block(lambda block: _solve_rows(block, parts, against, solved), len(solved), _ROWS_A_BLOCK)
    return solved


def solve(weights: csr_array, factors: Float32s, floor: Float32s, slope: float) -> Float32s:
    """Solve (diag(floor + slope·n) + Σ w v vᵀ) x = Σ w v for each row of n weights w; float32 [n_rows, d].

    The sums run over the stored entries of the row, v being the factors of their column; no entries give zeros. Scaled
    by its diagonal part the system is close to the identity, so that a few steps are enough, each of which costs the
    row's entries times d, where a factorisation costs them times d².

    Args:
        weights: CSR float32 [n_rows, n], above zero.
        factors: float32 [n, d].
        floor: float32 [d], above zero.
        slope: Not negative.

    Reference:
        Takács, Pilászy and Tikk, "Applications of the Conjugate Gradient Method for Implicit Feedback Collaborative
        Filtering", RecSys 2011.
    """
    solved = np.zeros((weights.shape[0], factors.shape[1]), dtype=np.float32)
    rows = np.arange(len(solved), dtype=np.int32)
    _solve_rows(rows, _parts(weights), _against(factors, floor, slope, EXACT), solved)
    return solved


def _parts(weights: csr_array) -> tuple[NDArray[Any], ...]:
    return weights.indptr, weights.indices, weights.data


def _against(factors: Float32s, floor: Float32s, slope: float, residual: float) -> tuple[Any, ...]:
    return factors, floor, np.float32(slope), np.float32(residual**2)


@njit(nogil=True, cache=True)
def _solve_rows(block, weights, against, solved):
    """Fill `solved` for a block of rows."""
    starts, columns, values = weights
    factors, floor, slope, enough = against
    longest = 0
    for row in block:
        longest = max(longest, starts[row + 1] - starts[row])
    system = np.empty((longest, len(floor)), np.float32)
    vectors = np.empty((3, len(floor)), np.float32)
    for row in block:
        entries = slice(starts[row], starts[row + 1])
        n = len(columns[entries])
        if n:
            scale = 1 / np.sqrt(floor + slope * np.float32(n))
            _fill(system[:n], columns[entries], values[entries], factors, scale)
            _solve(system[:n], values[entries], vectors, enough, solved[row])
            solved[row] *= scale


@njit(nogil=True, cache=True)
def _fill(system, columns, values, factors, scale):
    """Write the rows √w · v · scale of T: x = scale · y, (I + TᵀT) y = Tᵀ√w."""
    for entry in range(len(columns)):
        root, row, vector = np.sqrt(values[entry]), system[entry], factors[columns[entry]]
        for f in range(len(row)):
            row[f] = root * scale[f] * vector[f]


@njit(nogil=True, cache=True)
def _solve(system, values, vectors, enough, solved):
    """Fill `solved` with y, by conjugate gradients from zero."""
    rest, step, image = vectors[0], vectors[1], vectors[2]  # unpacked at once they would count as strided
    rest[:] = 0
    for entry in range(len(system)):
        _add(np.sqrt(values[entry]), system[entry], rest)
    step[:] = rest
    solved[:] = 0
    left = _product(rest, rest)
    enough *= left
    for _ in range(len(solved)):
        if left <= enough:
            break
        image[:] = step
        for entry in range(len(system)):
            _add(_product(system[entry], step), system[entry], image)
        length = left / _product(step, image)
        _add(length, step, solved)
        _add(-length, image, rest)
        before, left = left, _product(rest, rest)
        turn = left / before
        step[:] = rest + turn * step


# The order of a sum is the compiler's, and the same for every row.
@njit(nogil=True, cache=True, fastmath={"reassoc", "nsz", "contract"})
def _product(left, right):
    total = np.float32(0)
    for f in range(len(left)):
        total += left[f] * right[f]
    return total


@njit(nogil=True, cache=True)
def _add(times, row, to):
    for f in range(len(to)):
        to[f] += times * row[f]
