"""The candidate pool: the best unseen items of several models, with all their scores made comparable for each user."""

from collections.abc import Callable, Sequence

import numpy as np
from numba import njit
from scipy.sparse import csr_array

from nightschool.contract import POOL_SIZE, Float32s, Indices, Mask, Pool
from nightschool.errors import NightschoolError
from nightschool.ranking.best import find_best, scratch
from nightschool.ranking.topk import Ranking, mask_excluded, top_k

_CONSTANT = 1e-6  # spread relative to the mean below which differences are float32 rounding


def candidate_pool(scores: Sequence[Float32s], history: csr_array, available: Mask, size: int = POOL_SIZE) -> Pool:
    """Build the pool of a block of users; all unseen available items where they are fewer than `size`.

    Sums run in float64, so that a row of ten thousand ratings near 3.5 keeps its digits.

    Args:
        scores: float32 [n, n_items] by component; what may not be recommended becomes -inf in place.
        history: CSR [n, n_items], the rows of these users; every stored entry is seen.
        available: bool [n_items].
        size: Items that each component brings in.

    Raises:
        NightschoolError: A score is NaN or infinite.
    """
    n_rows, n_components = history.shape[0], len(scores)
    rows = np.arange(n_rows, dtype=np.int32)
    best = np.full((n_rows, n_components, size), -1, dtype=np.int32)
    moments = np.zeros((n_components, 2, n_rows), dtype=np.float64)
    for component, block in enumerate(scores):
        mask_excluded(block, rows, history, available)
        if _measure(block, best[:, component], moments[component]):
            raise NightschoolError(
                "a score is NaN or infinite", seen=f"component {component}", do="correct the model that scored it"
            )
    items, members = _union(best)
    pooled = np.zeros((n_components, *items.shape), dtype=np.float32)
    for component, block in enumerate(scores):
        _standardise(block, items, moments[component], pooled[component])
    return Pool(items, pooled, members, moments[:, 1].astype(np.float32))


def pool_users(
    scorers: Sequence[Callable[[Indices], Float32s]], user_indices: Indices, history: csr_array, available: Mask
) -> Pool:
    """Build the pool of the users, each component scored once.

    Args:
        scorers: The components' `score`.
        user_indices: int32 [n].
        history: CSR [n_users, n_items] of all users.
        available: bool [n_items].
    """
    return candidate_pool([score(user_indices) for score in scorers], history[user_indices], available)


def join_pools(parts: Sequence[Pool]) -> Pool:
    """Concatenate pools, padded to the widest."""
    n, width = sum(len(part.items) for part in parts), max(part.items.shape[1] for part in parts)
    n_components = len(parts[0].scores)
    pool = Pool(
        np.full((n, width), -1, dtype=np.int32),
        np.zeros((n_components, n, width), dtype=np.float32),
        np.zeros((n, width), dtype=np.uint32),
        np.concatenate([part.scales for part in parts], axis=1),
    )
    start = 0
    for part in parts:
        rows, columns = slice(start, start + len(part.items)), slice(part.items.shape[1])
        for joined, array in zip(pool[:3], part[:3], strict=True):
            joined[..., rows, columns] = array
        start = rows.stop
    return pool


def blend(pool: Pool, weights: Float32s) -> Float32s:
    """Sum the components' scores by weight, float32 [n, width]; -inf outside the pool of those with a weight.

    Args:
        pool: Candidates of n users.
        weights: float32 [n_components]; 0 leaves a component and its candidates out.
    """
    total = np.zeros(pool.items.shape, dtype=np.float32)
    _add_up(pool.scores, weights.astype(np.float32), (pool.members, _bits(weights)), total)
    return total


def rank_pool(pool: Pool, blended: Float32s, k: int) -> tuple[Ranking, Indices]:
    """Rank the k candidates of the highest blended score; also return their places in the pool, int32 [n, k].

    Args:
        pool: Candidates of n users.
        blended: float32 [n, width]; -inf is never ranked.
        k: Items a user.
    """
    places, scores = top_k(blended, k)
    if not blended.shape[1]:
        return Ranking(places, scores), places
    items = np.take_along_axis(pool.items, np.maximum(places, 0), axis=1)
    return Ranking(np.where(places < 0, np.int32(-1), items), scores), places


def _bits(weights: Float32s) -> np.uint32:
    return np.uint32(sum(1 << component for component, weight in enumerate(weights) if weight))


@njit(nogil=True, cache=True)
def _add_up(scores, weights, membership, total):  # type: ignore[no-untyped-def]  # numba compiles it by argument
    members, bits = membership
    for row in range(total.shape[0]):
        sums, of_components = total[row], members[row]
        # Components are added one by one: a matrix product may order the sum by block size and change the last bit.
        for component in range(len(weights)):
            weight, added = weights[component], scores[component, row]
            if weight != 0:
                for place in range(len(sums)):
                    sums[place] += weight * added[place]
        for place in range(len(sums)):
            sums[place] = sums[place] if of_components[place] & bits else np.float32(-np.inf)


@njit(nogil=True, cache=True)
def _measure(scores, best, moments):  # type: ignore[no-untyped-def]  # as above
    """Fill each row's best items, mean and inverse deviation; return how many rows hold NaN or infinity."""
    n_items, size = scores.shape[1], best.shape[1]
    maxima, found = scratch(n_items, size)
    n_broken = 0
    for row in range(scores.shape[0]):
        count, total = _sum(scores[row])
        mean = total / max(count, 1)
        deviation = np.sqrt(_sum_of_squares(scores[row], mean) / max(count, 1))
        if not np.isfinite(deviation):
            n_broken += 1
            continue
        moments[0, row] = mean
        if deviation > max(_CONSTANT * abs(mean), np.finfo(np.float32).tiny):
            moments[1, row] = 1 / deviation
        n_found = find_best(scores[row], size, maxima, found)
        best[row, :n_found] = found[:n_found]
    return n_broken


# The order of a sum is the compiler's, and the same for every row.
@njit(cache=True, fastmath={"reassoc", "nsz", "contract"})
def _sum(row):  # type: ignore[no-untyped-def]  # as above
    """Count the entries that are not -inf, and sum them."""
    count, total = np.int64(0), np.float64(0)
    for place in range(len(row)):
        there = not row[place] == -np.inf  # noqa: SIM201  # NaN must count, so that it shows in the sum
        value = row[place] if there else np.float32(0)
        count += there
        total += value
    return count, total


@njit(cache=True, fastmath={"reassoc", "nsz", "contract"})
def _sum_of_squares(row, mean):  # type: ignore[no-untyped-def]  # as above
    total = np.float64(0)
    for place in range(len(row)):
        there = not row[place] == -np.inf  # noqa: SIM201  # as above
        distance = row[place] - mean if there else np.float64(0)
        total += distance * distance
    return total


@njit(nogil=True, cache=True)
def _union(best):  # type: ignore[no-untyped-def]  # as above
    """Unite the items of each row [n, width], ascending, with bits of the components that found them."""
    n_rows, n_components, size = best.shape
    items = np.full((n_rows, n_components * size), np.int32(-1))
    members = np.zeros(items.shape, dtype=np.uint32)
    widest = 0
    for row in range(n_rows):
        heads = np.zeros(n_components, dtype=np.int64)
        width = 0
        while True:
            lowest = np.iinfo(np.int32).max
            for component in range(n_components):
                place = heads[component]
                if place < size and 0 <= best[row, component, place] < lowest:
                    lowest = best[row, component, place]
            if lowest == np.iinfo(np.int32).max:
                break
            for component in range(n_components):
                place = heads[component]
                if place < size and best[row, component, place] == lowest:
                    members[row, width] |= np.uint32(1) << np.uint32(component)
                    heads[component] += 1
            items[row, width] = lowest
            width += 1
        widest = max(widest, width)
    return items[:, :widest].copy(), members[:, :widest].copy()


@njit(nogil=True, cache=True)
def _standardise(scores, items, moments, pooled):  # type: ignore[no-untyped-def]  # as above
    for row in range(items.shape[0]):
        mean, scale = moments[0, row], moments[1, row]
        for place in range(items.shape[1]):
            if items[row, place] >= 0:
                pooled[row, place] = (scores[row, items[row, place]] - mean) * scale
