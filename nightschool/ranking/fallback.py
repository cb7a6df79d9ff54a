"""Fallback lists for cold users: the most popular items of their audience."""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from nightschool.contract import Float32s, Indices, Mask, Pool
from nightschool.ranking.topk import Ranking, mask_excluded, top_k


@dataclass(frozen=True, eq=False)
class Fallback:
    """Scores by audience, and whose audience is which.

    Attributes:
        scores: float32 [n_audiences, n_items]; the first row is everyone's.
        of_user: int32 [n_users], the row of each user's audience.
        cold_users: bool [n_users], users that no model has learned from.
        history: CSR [n_users, n_items], what each user has seen.
        available: bool [n_items].
    """

    scores: Float32s
    of_user: Indices
    cold_users: Mask
    history: csr_array
    available: Mask

    def replace_quiet(self, ranking: Ranking, pool: Pool, users: Indices) -> Mask:
        """Replace the lists of cold users by their audience's list; return who they are, bool [n].

        Their lists are replaced in place by those of their audience, without what they have seen.

        Args:
            ranking: The lists of n users.
            pool: What they were ranked from.
            users: int32 [n].
        """
        quiet: Mask = self.cold_users[users] | np.all(pool.scales == 0, axis=0)
        theirs = self.scores[self.of_user[users[quiet]]]
        mask_excluded(theirs, users[quiet], self.history, self.available)
        ranking.items[quiet], ranking.scores[quiet] = top_k(theirs, ranking.items.shape[1])
        return quiet
