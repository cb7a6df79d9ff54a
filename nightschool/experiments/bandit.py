"""Thompson sampling over the arms of an experiment: an arm's share of a day is the chance that it is the best."""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc, betaincinv

from nightschool.errors import ConfigurationError

Floats = NDArray[np.float64]

_NODES: Final = 250
"""Quantiles of an arm's posterior that its chance is averaged over; the error is below 1 / 500."""


class Rewards(NamedTuple):
    """What each arm has brought so far.

    Attributes:
        trials: float64 [n_arms], how often an arm was shown; not whole where older days count less.
        hits: float64 [n_arms], how many of these were rewarded.
    """

    trials: Floats
    hits: Floats


def discounted(trials: Floats, hits: Floats, half_life: float | None) -> Rewards:
    """Sum the counts of days, of which older ones may count less.

    Args:
        trials: float64 [n_days, n_arms], the newest day last.
        hits: float64 [n_days, n_arms].
        half_life: Days after which a count weighs half; None: all days weigh the same.
    """
    ages = np.arange(len(trials))[::-1]
    weights = np.ones(len(trials)) if half_life is None else 0.5 ** (ages / half_life)
    return Rewards(weights @ trials, weights @ hits)


def thompson_shares(rewards: Rewards, floor: float) -> Floats:
    """Compute the share of each arm, float64 [n_arms], which sum to 1.

    Thompson (1933), "On the likelihood that one unknown probability exceeds another": each arm is shown as often as it
    is the best one under the posterior Beta(1 + hits, 1 + misses). No arm gets less than the floor, so that each can
    still be found to be the best, and its results can be weighed by its share.

    Args:
        rewards: What each arm has brought.
        floor: The least share of an arm.

    Raises:
        ConfigurationError: The floors of all arms together exceed the whole.
    """
    n_arms = len(rewards.trials)
    if not 0 <= floor * n_arms <= 1:
        raise ConfigurationError("the floor of an arm's share", seen=floor, do=f"give at most 1 / {n_arms}")
    return floor + (1 - n_arms * floor) * chances_of_being_best(rewards)


def chances_of_being_best(rewards: Rewards) -> Floats:
    """Compute the posterior probability of each arm having the highest rate, float64 [n_arms].

    The chance of an arm is the mean, over the quantiles of its own posterior, of the probability that all other arms
    lie below; no random numbers are drawn, so that whoever computes it gets the same.
    """
    hits, misses = 1 + rewards.hits, 1 + rewards.trials - rewards.hits
    levels = (np.arange(_NODES) + 0.5) / _NODES
    quantiles = betaincinv(hits[:, None], misses[:, None], levels)
    below = betainc(hits[:, None, None], misses[:, None, None], quantiles)
    own = np.arange(len(hits))
    below[own, own] = 1.0
    chances = below.prod(axis=0).mean(axis=1)
    shares: Floats = chances / chances.sum()
    return shares
