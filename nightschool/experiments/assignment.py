"""Assignment of users to the arms of an experiment: deterministic, and as good as random."""

import hashlib
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate


def assign_arm(salt: str, user_id: str, shares: Sequence[float]) -> int:
    """Compute the index of the user's arm.

    Args:
        salt: The experiment's; another salt assigns the same users independently.
        user_id: The external id, as text.
        shares: The share of each arm, above zero; they sum to 1.
    """
    ends = [*accumulate(shares)]
    return min(bisect_right(ends, _uniform(salt, user_id)), len(ends) - 1)


def _uniform(salt: str, user_id: str) -> float:
    """Hash to a number in [0, 1), uniform over users."""
    text = f"{salt}:{user_id}".encode(errors="surrogatepass")
    return int.from_bytes(hashlib.blake2b(text, digest_size=6).digest()) / 2**48
