"""ndcg@k of many blends over one pool: counts the candidates above each relevant one instead of sorting."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray
from scipy.sparse import csr_array

from nightschool.contract import Float32s, Indices, Mask, Pool
from nightschool.evaluation.lists import find_hits
from nightschool.evaluation.metrics import Float64s
from nightschool.ranking.candidates import join_pools


@dataclass(frozen=True, eq=False)
class Gains:
    """The relevant candidates of a pool, and the discounted gain of a perfect list.

    Attributes:
        pool: Candidates of n users.
        starts: int64 [n + 1], where each user's places begin.
        places: int32, the places in the pool of each user's relevant candidates.
        ideal: float64 [n], the discounted gain of the best possible list, of all relevant items.
        k: Places of a list that count.
    """

    pool: Pool
    starts: NDArray[np.int64]
    places: Indices
    ideal: Float64s
    k: int

    @classmethod
    def of(cls, pool: Pool, users: Indices, relevant: csr_array, k: int) -> Self:
        """Find the gains of these users, each with a relevant held-out pair.

        Args:
            pool: The candidates of the users.
            users: int32 [n].
            relevant: The held-out pairs that count, CSR bool [n_users, n_items].
            k: Places of a list that count.
        """
        hits = find_hits(pool.items, users, relevant)
        starts = np.concatenate([[0], np.cumsum(hits.sum(axis=1))])
        best = np.cumsum(1 / np.log2(np.arange(2, k + 2)))
        ideal = best[np.minimum(np.diff(relevant.indptr)[users], k) - 1]
        return cls(pool, starts, np.nonzero(hits)[1].astype(np.int32), ideal, k)

    @classmethod
    def join(cls, parts: Sequence[Self]) -> Self:
        """Concatenate the gains of several cuts; the parts must agree in k."""
        counts = np.concatenate([np.diff(part.starts) for part in parts])
        return cls(
            join_pools([part.pool for part in parts]),
            np.concatenate([[0], np.cumsum(counts)]),
            np.concatenate([part.places for part in parts]),
            np.concatenate([part.ideal for part in parts]),
            parts[0].k,
        )

    def __getitem__(self, rows: Mask) -> Self:
        """Return the gains of some rows, bool [n]."""
        counts = np.diff(self.starts)
        items, scores, members, scales = self.pool
        return type(self)(
            Pool(items[rows], scores[:, rows], members[rows], scales[:, rows]),
            np.concatenate([[0], np.cumsum(counts[rows])]),
            self.places[np.repeat(rows, counts)],
            self.ideal[rows],
            self.k,
        )

    def ndcg(self, blended: Float32s, component: int, weight: float, components: int) -> Float64s:
        """Compute each user's ndcg@k, float64 [n], of a blend to which a component is added.

        Args:
            blended: float32 [n, width], the weighted sum so far; also of candidates that are not its members.
            component: The one that is added.
            weight: With which weight.
            components: The bits of all components whose candidates count, that one included.
        """
        values = np.zeros(len(self.ideal))
        _count(
            (blended, self.pool.scores[component], np.float32(weight)),
            (self.pool.members, np.uint32(components)),
            (self.starts, self.places, self.k),
            values,
        )
        return values / self.ideal


@njit(parallel=True, cache=True)
def _count(blend, membership, relevant, values):  # type: ignore[no-untyped-def]  # numba compiles it by argument
    """Fill `values` with discounted gains; users are independent, so that the order of threads does not matter."""
    blended, added, weight = blend
    members, components = membership
    starts, places, k = relevant
    for row in prange(len(values)):
        if starts[row] == starts[row + 1]:
            continue
        scores = np.empty(blended.shape[1], dtype=np.float32)
        best = np.full(k, -np.inf, dtype=np.float32)
        so_far, more, bits = blended[row], added[row], members[row]
        for place in range(len(scores)):
            scores[place] = so_far[place] + weight * more[place] if bits[place] & components else np.float32(-np.inf)
            if scores[place] > best[k - 1]:
                _insert(best, scores[place])
        for entry in range(starts[row], starts[row + 1]):
            own = scores[places[entry]]
            if own == -np.inf or own < best[k - 1]:
                continue
            above = 0
            while above < k and best[above] > own:
                above += 1
            for place in range(places[entry]):
                above += scores[place] == own
            if above < k:
                values[row] += 1 / np.log2(above + 2)


@njit(cache=True)
def _insert(best, score):  # type: ignore[no-untyped-def]  # numba compiles it by argument
    """Insert a score into the best ones, descending, in place of the lowest."""
    place = len(best) - 1
    while place > 0 and best[place - 1] < score:
        best[place] = best[place - 1]
        place -= 1
    best[place] = score
