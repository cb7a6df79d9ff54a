"""What a user likes in a context: likes with the values of their contexts, drawn in batches of users."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from models.neural.user_batches import UserBatch
from nightschool.contract import Float32s, Indices, Mask

_TOLD = 0.5  # chance that a context is told, and that attributes are


class Batch(NamedTuple):
    """Some users, each on an occasion.

    Attributes:
        likes: What they like, at any time.
        read: bool [n_likes], what the network reads of it.
        asked: bool [n_likes], what it is asked for: some of what it does not read and the user likes on the occasion.
        attributes: float32 [n_users, n_attributes], of half of the users; zeros of the others.
        contexts: float32 [n_users, n_values], ones for the values of the occasion's contexts.
    """

    likes: UserBatch
    read: Mask
    asked: Mask
    attributes: Float32s
    contexts: Float32s


@dataclass(frozen=True, eq=False)
class Occasions:
    """What batches are drawn from.

    Attributes:
        likes: CSR float32 [n_users, n_items], ones; every user has some.
        codes: int32 [n_likes, n_contexts], the context of each, as in `contexts.Contexts`.
        n_values: Values of all contexts.
        attributes: float32 [n_users, n_attributes].
    """

    likes: csr_array
    codes: Indices
    n_values: int
    attributes: Float32s

    def batches(self, n_users: int, seed: tuple[int, ...]) -> Iterator[Batch]:
        """Yield each user once, on an occasion, in an order that follows from the seed.

        An occasion has the contexts of one of the user's likes, each told or not by the toss of a coin. A share of the
        user's likes is read, drawn evenly from 0 to 1; what is left of those on the occasion is asked for.

        Args:
            n_users: Users of a batch; the last one is padded.
            seed: Of all draws.
        """
        rng = np.random.default_rng(seed)
        order = rng.permutation(self.likes.shape[0])
        for start in range(0, len(order), n_users):
            yield self._batch(order[start : start + n_users], n_users, rng)

    def _batch(self, users: NDArray[np.int64], n_users: int, rng: np.random.Generator) -> Batch:
        counts = np.diff(self.likes.indptr)[users]
        starts, rows = self.likes.indptr[users], np.repeat(np.arange(len(users)), counts)
        entries = np.repeat(starts - (np.cumsum(counts) - counts), counts) + np.arange(counts.sum())
        told = rng.random((len(users), self.codes.shape[1])) < _TOLD
        example = self.codes[starts + (rng.random(len(users)) * counts).astype(np.int64)]
        fits = ((self.codes[entries] == example[rows]) | ~told[rows]).all(axis=1)
        read = rng.random(len(entries)) < rng.random(len(users))[rows]
        contexts = np.zeros((n_users, self.n_values), dtype=np.float32)
        of_user, place = np.nonzero(told & (example >= 0))
        contexts[of_user, example[of_user, place]] = 1
        attributes = np.zeros((n_users, self.attributes.shape[1]), dtype=np.float32)
        attributes[: len(users)] = self.attributes[users] * (rng.random(len(users)) < _TOLD)[:, None]
        likes = UserBatch.of(self.likes[users], n_users)
        padding = (0, len(likes.rows) - len(entries))
        return Batch(likes, np.pad(read, padding), np.pad(fits & ~read, padding), attributes, contexts)


def codes_of_entries(codes: Indices, likes: csr_array, kept: csr_array) -> Indices:
    """Return the codes of those likes that are kept.

    Args:
        codes: int32 [n_likes, n_contexts].
        likes: CSR [n_users, n_items], sorted.
        kept: Some of its entries, in the same shape.
    """
    keys, wanted = (
        np.repeat(np.arange(each.shape[0]), np.diff(each.indptr)) * each.shape[1] + each.indices
        for each in (likes, kept)
    )
    found: Indices = codes[np.searchsorted(keys, wanted)]
    return found
