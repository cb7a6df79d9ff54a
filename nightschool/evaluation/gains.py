"""ndcg@k of many blends over one pool: counts the candidates above each relevant one instead of sorting."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from nightschool.contract import Float32s, Indices, Pool, Split
from nightschool.evaluation.facts import facts_of
from nightschool.evaluation.lists import find_hits
from nightschool.evaluation.metrics import Float64s


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
    def of(cls, pool: Pool, users: Indices, split: Split, k: int) -> Self:
        """Find the gains of these users, each with a relevant held-out pair."""
        facts = facts_of(split)
        hits = find_hits(pool.items, users, facts.relevant)
        starts = np.concatenate([[0], np.cumsum(hits.sum(axis=1))])
        best = np.cumsum(1 / np.log2(np.arange(2, k + 2)))
        ideal = best[np.minimum(facts.n_relevant[users], k) - 1]
        return cls(pool, starts, np.nonzero(hits)[1].astype(np.int32), ideal, k)

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
        so_far, more, bits = blended[row], added[row], members[row]
        for place in range(len(scores)):
            scores[place] = so_far[place] + weight * more[place] if bits[place] & components else np.float32(-np.inf)
        for entry in range(starts[row], starts[row + 1]):
            own = scores[places[entry]]
            if own == -np.inf:
                continue
            above = np.int32(0)
            for place in range(len(scores)):
                above += scores[place] > own
            if above < k:
                for place in range(places[entry]):
                    above += scores[place] == own
            if above < k:
                values[row] += 1 / np.log2(above + 2)
