"""Many small weighted ridge regressions against the same factors, each solved exactly by a Cholesky factorisation."""

from typing import Any

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray
from scipy.sparse import csr_array

from nightschool.contract import Float32s

# numba compiles the kernels by the types of their arguments, which annotations would not change.
# mypy: disable-error-code="no-untyped-def"

_ROWS_A_CHUNK = 64
_ENTRIES = 64  # of a row whose outer products are added up at a time, so that they stay in the cache
_LANES = 8  # rows that are added or taken away in one pass over a matrix


def principal_axes(factors: Float32s) -> tuple[Float32s, NDArray[np.float64]]:
    """The factors turned so that their products FᵀF are diagonal, float32 [n, d], and that diagonal, float64 [d].

    Scores do not change when both sides are turned alike.
    """
    spectrum, axes = np.linalg.eigh((factors.T @ factors).astype(np.float64))
    turned: Float32s = factors @ axes.astype(np.float32)
    return turned, np.maximum(spectrum, 0)


def solve_on_all_cores(weights: csr_array, factors: Float32s, floor: Float32s, slope: float) -> Float32s:
    """What `solve` returns, the same bits; not for use within another thread."""
    solved = np.zeros((weights.shape[0], factors.shape[1]), dtype=np.float32)
    _solve_chunks(_parts(weights), factors, floor, np.float32(slope), solved)
    return solved


def solve(weights: csr_array, factors: Float32s, floor: Float32s, slope: float) -> Float32s:
    """For each row with n weights w, (diag(floor + slope·n) + Σ w v vᵀ)⁻¹ Σ w v; float32 [n_rows, d].

    The sums run over the stored entries of the row, v being the factors of their column; no entries give zeros. Where a
    row has fewer entries than factors, the equivalent system of one unknown an entry is solved, which is smaller.

    Args:
        weights: CSR float32 [n_rows, n], above zero.
        factors: float32 [n, d].
        floor: float32 [d], above zero.
        slope: Not negative.
    """
    solved = np.zeros((weights.shape[0], factors.shape[1]), dtype=np.float32)
    _solve_rows(0, len(solved), _parts(weights), (factors, floor, np.float32(slope)), solved)
    return solved


def _parts(weights: csr_array) -> tuple[NDArray[Any], ...]:
    return weights.indptr, weights.indices, weights.data


@njit(parallel=True, cache=True)
def _solve_chunks(weights, factors, floor, slope, solved):
    """Fills `solved`; each row is on its own, so that the order of threads does not matter."""
    n_rows = len(solved)
    for chunk in prange((n_rows + _ROWS_A_CHUNK - 1) // _ROWS_A_CHUNK):
        first = chunk * _ROWS_A_CHUNK
        _solve_rows(first, min(first + _ROWS_A_CHUNK, n_rows), weights, (factors, floor, slope), solved)


@njit(nogil=True, cache=True)
def _solve_rows(first, last, weights, against, solved):
    starts, columns, values = weights
    factors, floor, slope = against
    width = _whole_lanes(factors.shape[1])
    system = np.empty(width * width, np.float32)
    rows = np.empty(width * max(width, _ENTRIES), np.float32)
    unknown = np.empty(width, np.float32)
    for row in range(first, last):
        entries = slice(starts[row], starts[row + 1])
        n = len(columns[entries])
        if n:
            scale = 1 / np.sqrt(floor + slope * np.float32(n))
            buffers = system, rows, unknown
            if n < len(scale):
                _solve_by_entry(columns[entries], values[entries], factors, scale, buffers, solved[row])
            else:
                _solve_by_factor(columns[entries], values[entries], factors, scale, buffers, solved[row])


# Both write T for the rows √w · v · scale: x = scale · (I + TᵀT)⁻¹ Tᵀ√w = scale · Tᵀ (I + TTᵀ)⁻¹ √w.


@njit(nogil=True, cache=True)
def _solve_by_factor(columns, values, factors, scale, buffers, solved):
    n, d = len(columns), len(scale)
    width = _whole_lanes(d)
    system = _identity(buffers[0], width)
    rows = buffers[1][: _ENTRIES * width].reshape(_ENTRIES, width)
    unknown = buffers[2][:width]
    unknown[:] = 0
    for first in range(0, n, _ENTRIES):
        rows[:] = 0
        for entry in range(first, min(first + _ENTRIES, n)):
            root, row, vector = np.sqrt(values[entry]), rows[entry - first], factors[columns[entry]]
            for f in range(d):
                row[f] = root * scale[f] * vector[f]
                unknown[f] += root * row[f]
        _add_products(rows[: _whole_lanes(min(_ENTRIES, n - first))], system)
    _factorise(system)
    _substitute(system, unknown)
    for f in range(d):
        solved[f] = scale[f] * unknown[f]


@njit(nogil=True, cache=True)
def _solve_by_entry(columns, values, factors, scale, buffers, solved):
    n, d = len(columns), len(scale)
    width, height = _whole_lanes(n), _whole_lanes(d)
    system = _identity(buffers[0], width)
    rows = buffers[1][: height * width].reshape(height, width)
    unknown = buffers[2][:width]
    rows[:] = 0
    unknown[:] = 0
    for entry in range(n):
        root, vector = np.sqrt(values[entry]), factors[columns[entry]]
        unknown[entry] = root
        for f in range(d):
            rows[f, entry] = root * scale[f] * vector[f]
    _add_products(rows, system)
    _factorise(system)
    _substitute(system, unknown)
    for f in range(d):
        row, total = rows[f], np.float32(0)
        for entry in range(n):
            total += row[entry] * unknown[entry]
        solved[f] = scale[f] * total


@njit(nogil=True, cache=True)
def _whole_lanes(n):
    return (n + _LANES - 1) // _LANES * _LANES


@njit(nogil=True, cache=True)
def _identity(buffer, width):
    matrix = buffer[: width * width].reshape(width, width)
    matrix[:] = 0
    for place in range(width):
        matrix[place, place] = 1
    return matrix


@njit(nogil=True, cache=True)
def _add_products(rows, matrix):
    """Adds rowsᵀ · rows to the upper triangle; the number of rows is a multiple of the lanes."""
    for first in range(0, len(rows), _LANES):
        for place in range(len(matrix)):
            _add_lanes(rows, first, place, matrix[place, place:], np.float32(1))


@njit(nogil=True, cache=True)
def _add_lanes(rows, first, place, to, sign):
    """Adds Σ rows[r, place] · rows[r, place:] over eight rows to a vector, which is read and written once."""
    r0, r1, r2, r3 = rows[first, place:], rows[first + 1, place:], rows[first + 2, place:], rows[first + 3, place:]
    r4, r5, r6, r7 = rows[first + 4, place:], rows[first + 5, place:], rows[first + 6, place:], rows[first + 7, place:]
    c0, c1, c2, c3 = sign * r0[0], sign * r1[0], sign * r2[0], sign * r3[0]
    c4, c5, c6, c7 = sign * r4[0], sign * r5[0], sign * r6[0], sign * r7[0]
    for column in range(len(to)):
        half = c0 * r0[column] + c1 * r1[column] + c2 * r2[column] + c3 * r3[column]
        to[column] += half + (c4 * r4[column] + c5 * r5[column] + c6 * r6[column] + c7 * r7[column])


@njit(nogil=True, cache=True)
def _factorise(matrix):
    """Overwrites the upper triangle of M with U, M = UᵀU; the width is a multiple of the lanes."""
    for first in range(0, len(matrix), _LANES):
        for place in range(first, first + _LANES):
            own = matrix[place, place:]
            for above in range(first, place):
                factor, row = matrix[above, place], matrix[above, place:]
                for column in range(len(own)):
                    own[column] -= factor * row[column]
            root = np.sqrt(own[0])
            for column in range(len(own)):
                own[column] /= root
        for place in range(first + _LANES, len(matrix)):
            _add_lanes(matrix, first, place, matrix[place, place:], np.float32(-1))


@njit(nogil=True, cache=True)
def _substitute(upper, vector):
    """Overwrites the vector b with the solution of UᵀU x = b."""
    for place in range(len(vector)):
        vector[place] /= upper[place, place]
        factor, row, rest = vector[place], upper[place, place + 1 :], vector[place + 1 :]
        for column in range(len(rest)):
            rest[column] -= factor * row[column]
    for place in range(len(vector) - 1, -1, -1):
        total, row, rest = vector[place], upper[place, place + 1 :], vector[place + 1 :]
        for column in range(len(rest)):
            total -= row[column] * rest[column]
        vector[place] = total / upper[place, place]
