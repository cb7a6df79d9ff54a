"""Scores of several models made comparable for each user, pooled and added up."""

from collections.abc import Callable, Sequence

import numpy as np
from scipy.sparse import csr_array

from nightschool.contract import POOL_SIZE, Float32s, Indices, Mask
from nightschool.ranking.topk import allowed_items, top_k

_CACHE_ELEMENTS = 1 << 17  # cells of one pass, so that its several steps stay in the cache
_CONSTANT = 1e-6  # spread relative to the largest score below which differences are float32 rounding


def standardise(scores: Float32s, allowed: Mask) -> Float32s:
    """Z-scores over each row's allowed items, float32 [n, n_items]; 0 in constant rows and where not allowed.

    Sums run in float64, so that a row of ten thousand ratings near 3.5 keeps its digits.

    Args:
        scores: float32 [n, n_items].
        allowed: bool [n, n_items].
    """
    standardised = np.empty_like(scores)
    step = max(1, _CACHE_ELEMENTS // max(1, scores.shape[1]))
    for start in range(0, len(scores), step):
        rows = slice(start, start + step)
        standardised[rows] = _standardise_rows(scores[rows], allowed[rows])
    return standardised


def _standardise_rows(scores: Float32s, allowed: Mask) -> Float32s:
    count = np.maximum(allowed.sum(axis=1), 1)
    centred = np.where(allowed, scores, np.float32(0))
    largest = np.abs(centred).max(axis=1, initial=0)
    centred -= (centred.sum(axis=1, dtype=np.float64) / count).astype(np.float32)[:, None]
    centred *= allowed
    deviation = np.sqrt(np.einsum("ui,ui->u", centred, centred, dtype=np.float64) / count)
    varies = deviation > np.maximum(_CONSTANT * largest, np.finfo(np.float32).tiny)
    centred /= np.where(varies, deviation, np.inf).astype(np.float32)[:, None]
    return centred


def candidate_pool(standardised: Float32s, allowed: Mask, size: int = POOL_SIZE) -> Mask:
    """The union of each component's best allowed items, bool [n, n_items]; all allowed items where they are fewer.

    Args:
        standardised: float32 [n_components, n, n_items].
        allowed: bool [n, n_items].
        size: Items that each component brings in.
    """
    pool = np.zeros_like(allowed)
    rows = np.arange(allowed.shape[0])[:, None]
    for scores in standardised:
        items = top_k(np.where(allowed, scores, np.float32(-np.inf)), size).items
        pool[np.broadcast_to(rows, items.shape)[items >= 0], items[items >= 0]] = True
    return pool


def blend(standardised: Float32s, weights: Float32s, pool: Mask) -> Float32s:
    """Weighted sums of the components' scores, float32 [n, n_items]; -inf outside the pool.

    Args:
        standardised: float32 [n_components, n, n_items].
        weights: float32 [n_components].
        pool: bool [n, n_items].
    """
    total = np.zeros(pool.shape, dtype=np.float32)
    # Components are added one by one: a matrix product may order the sum by block size and change the last bit.
    for weight, scores in zip(weights, standardised, strict=True):
        total += np.float32(weight) * scores
    total[~pool] = -np.inf
    return total


def component_scores(
    scorers: Sequence[Callable[[Indices], Float32s]], user_indices: Indices, history: csr_array, available: Mask
) -> tuple[Float32s, Mask]:
    """Each component's normalised scores, float32 [n_components, n, n_items], and the pool, bool [n, n_items].

    Args:
        scorers: The components' `score`.
        user_indices: int32 [n].
        history: CSR [n, n_items], the rows of these users.
        available: bool [n_items].
    """
    allowed = allowed_items(history, available)
    standardised = np.empty((len(scorers), *allowed.shape), dtype=np.float32)
    for component, score in enumerate(scorers):
        standardised[component] = standardise(score(user_indices), allowed)
    return standardised, candidate_pool(standardised, allowed)
