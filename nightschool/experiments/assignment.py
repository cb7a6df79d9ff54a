"""Assignment of users to the arms of experiments: deterministic, and as good as random."""

import hashlib
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate

from nightschool.experiments.plan import HOLDOUT, Arm, Experiment


def assign_arm(salt: str, user_id: str, shares: Sequence[float]) -> int:
    """Compute the index of the user's arm.

    Args:
        salt: The experiment's; another salt assigns the same users independently.
        user_id: The external id, as text.
        shares: The share of each arm, above zero; they sum to 1.
    """
    ends = [*accumulate(shares)]
    return min(bisect_right(ends, _uniform(salt, user_id)), len(ends) - 1)


def assign_arms(experiments: Sequence[Experiment], user_id: str, scenario: str) -> list[tuple[Experiment, Arm]]:
    """Return the experiments that change a user's list, each with the user's arm; of a held-out user the holdout alone.

    Args:
        experiments: The experiments that run, a holdout first.
        user_id: The external id, as text.
        scenario: The scenario of the list; "" without one.
    """
    found = []
    for each in experiments:
        if not each.shows_in(scenario) or not _takes_part(each, user_id):
            continue
        arm = each.arms[assign_arm(each.salt, user_id, each.shares)]
        found.append((each, arm))
        if each.holds_out and arm.name == HOLDOUT:
            break
    return found


def _takes_part(experiment: Experiment, user_id: str) -> bool:
    """Return whether the user is in the part of the layer that the experiment has."""
    if experiment.ranges == ((0.0, 1.0),):
        return True
    place = _uniform(f"layer {experiment.layer}", user_id)
    return any(start <= place < end for start, end in experiment.ranges)


def _uniform(salt: str, user_id: str) -> float:
    """Hash to a number in [0, 1), uniform over users."""
    text = f"{salt}:{user_id}".encode(errors="surrogatepass")
    return int.from_bytes(hashlib.blake2b(text, digest_size=6).digest()) / 2**48
