"""Estimates of the reactions that lists would have got, each a formula of the same sums.

The value of a list is the sum over its places of the chance of a reaction there. Two models say what a logged reaction
tells about an item: that it would be the same at the same place (item-position model), or that it changes with the
examination of the place alone (position-based model); both in Li et al. (2018), "Offline evaluation of ranking
policies with click models", KDD. Under the first a logged row tells about lists that have the item at the same place;
under the second about all lists that have it anywhere.

Each comes as inverse propensities (Horvitz and Thompson 1952, "A generalization of sampling without replacement from a
finite universe"), self-normalised (Swaminathan and Joachims 2015, "The self-normalized estimator for counterfactual
learning"), and doubly robust (Dudík, Langford and Li 2011, "Doubly robust policy evaluation and learning").
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

import numpy as np

from nightschool.evaluation.metrics import Float64s
from nightschool.evaluation.off_policy.examination import examination
from nightschool.evaluation.off_policy.sums import Sums

Estimator = Callable[[Sums], Float64s]
"""Estimates the reactions per list, float64 [...]."""


def ips(sums: Sums) -> Float64s:
    """Weigh rewards of items at the same place by one over their propensity."""
    return np.asarray(_same_place(sums.rewards).sum(axis=-1) / sums.lists)


def snips(sums: Sums) -> Float64s:
    """Divide those weighted rewards, place by place, by the sum of the weights instead of the number of lists."""
    weights = _same_place(sums.weights)
    shares = np.where(weights > 0, _same_place(sums.rewards) / np.where(weights > 0, weights, 1.0), 0.0)
    return np.asarray((shares * sums.places).sum(axis=-1) / sums.lists)


def dr(sums: Sums) -> Float64s:
    """Add to what the reward model expects of the lists the weighted errors of the model at the same place."""
    examined = examination(sums.explored)
    errors = _same_place(sums.rewards) - examined * _same_place(sums.rates)
    return np.asarray((examined * sums.models + errors).sum(axis=-1) / sums.lists)


def pbm_ips(sums: Sums) -> Float64s:
    """Weigh rewards of items at any place by the examination there over that under which they were shown."""
    weighted = examination_weights(examination(sums.explored)) * sums.rewards
    return np.asarray(weighted.sum(axis=(-1, -2, -3)) / sums.lists)


def pbm_snips(sums: Sums) -> Float64s:
    """Divide those weighted rewards by the weighted examination of their rows."""
    examined = examination(sums.explored)
    weights = examination_weights(examined)
    rewards = (weights * sums.rewards).sum(axis=(-1, -2, -3))
    looks = (weights * examined[..., None, :, None] * sums.weights).sum(axis=(-1, -2, -3))
    shares = np.where(looks > 0, rewards / np.where(looks > 0, looks, 1.0), 0.0)
    return np.asarray(shares * (examined * sums.places).sum(axis=-1) / sums.lists)


def pbm_dr(sums: Sums) -> Float64s:
    """Add to what the reward model expects of the lists the weighted errors of the model at any place."""
    examined = examination(sums.explored)
    errors = sums.rewards - examined[..., None, :, None] * sums.rates
    weighted = (examination_weights(examined) * errors).sum(axis=(-1, -2, -3))
    return np.asarray(((examined * sums.models).sum(axis=-1) + weighted) / sums.lists)


def examination_weights(examined: Float64s) -> Float64s:
    """Return what a row's weight is multiplied by, float64 [..., 2, depth, depth], the axes of `Sums.rewards`.

    The policy that made the list could show a chosen item at its place alone, and an explored one at every place.

    Args:
        examined: float64 [..., depth].
    """
    chosen = examined[..., None, :] / examined[..., :, None]
    explored = np.broadcast_to((examined / examined.sum(axis=-1, keepdims=True))[..., None, :], chosen.shape)
    return np.stack([chosen, explored], axis=-3)


def _same_place(cells: Float64s) -> Float64s:
    return np.asarray(np.einsum("...kpp->...p", cells))


ESTIMATORS: Final[Mapping[str, Estimator]] = MappingProxyType(
    {"ips": ips, "snips": snips, "dr": dr, "pbm-ips": pbm_ips, "pbm-snips": pbm_snips, "pbm-dr": pbm_dr}
)
"""Every estimator by its name."""

DEFAULT: Final = "pbm-dr"
"""The one that covers where challengers reorder lists: `benchmarks/results/off_policy.md`."""
