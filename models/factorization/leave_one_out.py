"""How far scores fall when one observation is left out of a small ridge regression, in closed form."""

import numpy as np
from numba import njit
from numba.np.linalg import ensure_lapack
from scipy.sparse import csr_array

from nightschool.contract import Float32s, Indices

# numba compiles the kernels by the types of their arguments, which annotations would not change.
# mypy: disable-error-code="no-untyped-def"

# Loaded now, and not at the first call: a limit of BLAS's threads holds for what is loaded when it is set.
ensure_lapack()


def fall_without(likes: csr_array, items: Indices, factors: Float32s, floor: Float32s, slope: float) -> Float32s:
    """Return how far scores x · v fall when a like is left out, float32 [n_likes, k].

    x solves (D + Σ w v vᵀ) x = Σ w v over a row's n likes, D = diag(floor + slope·n), as `solve` of
    `conjugate_gradient` does; without a like, D is still that of all n. With the likes' factors V and those of the
    listed items L, S = V D⁻¹ Vᵀ + diag(1/w) and R = S⁻¹, the fall is L D⁻¹ Vᵀ R, times (R1)ᵢ / Rᵢᵢ for like i: a system
    of the row's likes, or, where they are more than the factors, the same by one of the factors.

    Args:
        likes: CSR float32 [n, n_items], weights w above zero.
        items: int32 [n, k], the listed items; -1 is padding.
        factors: float32 [n_items, d].
        floor: float32 [d], above zero.
        slope: Not negative.

    Reference:
        Hu, Koren and Volinsky, "Collaborative Filtering for Implicit Feedback Datasets", ICDM 2008, section 5, for
        what each like adds to a score; Allen, "The Relationship Between Variable Selection and Data Augmentation",
        1974, for what is left without it.
    """
    found = np.zeros((likes.nnz, items.shape[1]), dtype=np.float32)
    _fill(items, (likes.indptr, likes.indices, likes.data), factors, (floor, np.float32(slope)), found)
    return found


@njit(nogil=True, cache=True)
def _fill(items, likes, factors, shrinkage, found):
    """Fill `found`, row by row."""
    starts, liked, weights = likes
    floor, slope = shrinkage
    for row in range(items.shape[0]):
        entries = slice(starts[row], starts[row + 1])
        n = starts[row + 1] - starts[row]
        if n:
            scale = 1 / np.sqrt(floor + slope * np.float32(n))
            own, listed = factors[liked[entries]] * scale, factors[np.maximum(items[row], 0)] * scale
            if n <= len(floor):
                found[entries] = _by_likes(own, listed, weights[entries])
            else:
                found[entries] = _by_factors(own, listed, weights[entries])


# numba takes seconds to compile sums along an axis, and no time for loops.
@njit(nogil=True, cache=True)
def _by_likes(own, listed, weights):
    system = np.dot(own, own.T)
    for like in range(len(weights)):
        system[like, like] += 1 / weights[like]
    inverse = np.linalg.inv(system)
    fall = np.dot(inverse, np.dot(own, listed.T))
    for like in range(len(weights)):
        total = np.float32(0)
        for other in range(len(weights)):
            total += inverse[like, other]
        _multiply(fall[like], total / inverse[like, like])
    return fall


@njit(nogil=True, cache=True)
def _by_factors(own, listed, weights):
    weighted = own.copy()
    for like in range(len(weights)):
        _multiply(weighted[like], weights[like])
    system = np.dot(own.T, weighted)
    for factor in range(own.shape[1]):
        system[factor, factor] += 1
    solved = np.dot(weighted, np.linalg.inv(system))
    total = np.zeros(own.shape[1], np.float32)
    for like in range(len(weights)):
        for factor in range(own.shape[1]):
            total[factor] += solved[like, factor]
    fall = np.dot(solved, listed.T)
    for like in range(len(weights)):
        rest = left = np.float32(1)
        for factor in range(own.shape[1]):
            rest -= own[like, factor] * total[factor]
            left -= own[like, factor] * solved[like, factor]
        _multiply(fall[like], rest / left)
    return fall


@njit(nogil=True, cache=True)
def _multiply(row, factor):
    for place in range(len(row)):
        row[place] *= factor
