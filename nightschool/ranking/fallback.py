"""What users get whom nothing is known about: the list of their audience."""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from nightschool.contract import Float32s, Indices, Mask
from nightschool.ranking.topk import mask_excluded


@dataclass(frozen=True, eq=False)
class Fallback:
    """Scores by audience, and whose audience is which.

    Attributes:
        scores: float32 [n_audiences, n_items]; the first row is everyone's.
        of_user: int32 [n_users], the row of each user's audience.
        strangers: bool [n_users], the users whom no model knows.
        history: CSR [n_users, n_items], what each user has seen.
        available: bool [n_items].
    """

    scores: Float32s
    of_user: Indices
    strangers: Mask
    history: csr_array
    available: Mask

    def replace_quiet(self, blended: Float32s, standardised: Float32s, users: Indices) -> Mask:
        """The strangers, and the users whose components score all items alike, bool [n].

        Their rows of `blended` are replaced in place.

        Args:
            blended: float32 [n, n_items].
            standardised: float32 [n_components, n, n_items], what was blended.
            users: int32 [n].
        """
        quiet: Mask = self.strangers[users] | ~np.any(standardised, axis=(0, 2))
        theirs = self.scores[self.of_user[users[quiet]]]
        mask_excluded(theirs, self.history[users[quiet]], self.available)
        blended[quiet] = theirs
        return quiet
