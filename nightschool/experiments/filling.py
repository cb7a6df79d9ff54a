"""Whether the arms of an experiment are filled as planned, to be looked at at any time."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

MISMATCH_ERROR: Final = 0.01
"""The chance that arms that are filled as planned are ever reported as mismatched."""

_CONCENTRATION: Final = 100.0
"""How near to the plan the shares of a broken assignment are expected, in users of the Dirichlet prior."""


def mismatch_p_value(members: NDArray[np.bool_], shares: Sequence[float]) -> float:
    """Compute the p-value of arms being filled as planned, valid at all looks together.

    Lindon and Malek (2022), "Anytime-valid inference for multinomial count data": the least that one over the Bayes
    factor of a Dirichlet prior around the plan against the plan has been so far.

    Args:
        members: bool[n_users, n_arms], in the order in which users came; one True a row.
        shares: Of each arm, as planned.
    """
    if not len(members):
        return 1.0
    planned = np.asarray(shares)
    prior = _CONCENTRATION * planned
    counts = members.cumsum(axis=0)
    totals = counts.sum(axis=1)
    mixture = gammaln(prior.sum()) - gammaln(prior.sum() + totals)
    mixture += (gammaln(prior + counts) - gammaln(prior)).sum(axis=1)
    factors = mixture - counts @ np.log(planned)
    return float(np.exp(-max(0.0, factors.max())))
