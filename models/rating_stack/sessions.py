"""Which items are scored in the same sessions, and what a user's scores of those say of an item."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.sparse import csr_array

from models.rating_stack.temporal_context import Seconds
from nightschool.contract import Float32s, Indices

_NEAR = 60  # seconds between two scores of one session
_REACH = 60  # scores of a user, in order of time, between which one looks
_PRIOR_USERS = 5.0  # scores that an item has beside its own, so that few do not make it close to anything
_PRIOR_MEETINGS = np.array([5.0, 0.05], dtype=np.float32)  # weight of zero: number of ratings nearby, and closeness


@dataclass(frozen=True, eq=False)
class Sessions:
    """How often two items were scored by one user within a minute; in many systems they stood on one page.

    Attributes:
        co_occurrence: CSR float32 [n_items, n_items], in how many sessions two items were scored; symmetric, with an
            empty diagonal.
        rarity: float32 [n_items], 1 / √(5 + n) of the n scores of each item.
    """

    co_occurrence: csr_array
    rarity: Float32s

    @classmethod
    def of(cls, users: Indices, items: Indices, seconds: Seconds, n_items: int) -> Self:
        """Count which items one user scored within a minute; none where `seconds` is empty."""
        counts = np.bincount(items, minlength=n_items)
        co_occurrence = csr_array((n_items, n_items), dtype=np.float32)
        order = np.lexsort((seconds, users)) if len(seconds) else np.empty(0, np.int64)
        users, items, seconds = users[order], items[order], seconds[order] if len(seconds) else seconds
        for step in range(1, min(_REACH, len(order) - 1) + 1):
            near = (users[step:] == users[:-step]) & (seconds[step:] - seconds[:-step] <= _NEAR)
            earlier, later = items[:-step][near], items[step:][near]
            co_occurrence += csr_array((np.ones(len(later), np.float32), (earlier, later)), shape=co_occurrence.shape)
        co_occurrence = (co_occurrence + co_occurrence.T).tocsr()
        co_occurrence.sort_indices()
        return cls(co_occurrence, (1 / np.sqrt(_PRIOR_USERS + counts)).astype(np.float32))

    def company(
        self, users: Indices, items: Indices, rated: csr_array, values: Float32s
    ) -> tuple[Float32s, NDArray[np.int64]]:
        """Average each user's values, weighted by the sessions shared with the item, and find the closest of them.

        The means are float32 [n, 2 · n_values]: first by meetings, then by closeness, which is
        meetings / √((5 + n) (5 + m)) for items of n and m scores; both are drawn to zero where there is little of
        them. Zeros for the unknown, whose index is -1. The closest are places in `rated`, int64 [n], -1 for none.

        Args:
            users: int32 [n].
            items: int32 [n].
            rated: CSR [n_users, n_items], where there is a score; sorted.
            values: float32 [entries of rated, n_values].
        """
        found = np.zeros((len(users), 2, values.shape[1]), dtype=np.float32)
        co_occurrence = (self.co_occurrence.indptr, self.co_occurrence.indices, self.co_occurrence.data)
        closest = np.full(len(users), -1)
        scale = (self.rarity, _PRIOR_MEETINGS)
        _average_co_rated((users, items), (rated.indptr, rated.indices, values), co_occurrence, scale, (found, closest))
        return found.reshape(len(users), 2 * values.shape[1]), closest


@njit(cache=True, nogil=True)
def _average_co_rated(pairs, rated, co_occurrence, scale, found_and_closest):  # type: ignore[no-untyped-def]  # compiled
    """Average the values of each user's items that share sessions with the item; both lists ascend."""
    users, items = pairs
    starts, theirs, values = rated
    co_starts, others, counts = co_occurrence
    rarity, priors = scale
    found, closest = found_and_closest
    weights = np.zeros(2, np.float32)
    for pair in range(users.shape[0]):
        user, item = users[pair], items[pair]
        if user < 0 or item < 0:
            continue
        weights[:] = priors
        highest = np.float32(0)
        own, other = starts[user], co_starts[item]
        while own < starts[user + 1] and other < co_starts[item + 1]:
            if theirs[own] < others[other]:
                own += 1
            elif theirs[own] > others[other]:
                other += 1
            else:
                near = counts[other] * rarity[item] * rarity[theirs[own]]
                weights[0] += counts[other]
                weights[1] += near
                if near > highest:
                    highest, closest[pair] = near, own
                for value in range(values.shape[1]):
                    found[pair, 0, value] += counts[other] * values[own, value]
                    found[pair, 1, value] += near * values[own, value]
                own += 1
                other += 1
        for value in range(values.shape[1]):
            found[pair, 0, value] /= weights[0]
            found[pair, 1, value] /= weights[1]
