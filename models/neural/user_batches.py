"""The likes of some users at a time, in few sizes, so that few steps are compiled."""

from collections.abc import Iterator
from typing import Final, NamedTuple, Self

import jax.numpy as jnp
import numpy as np
from jax import Array
from scipy.sparse import csr_array

from nightschool.contract import Float32s, Indices

_FEWEST: Final = 64


class UserBatch(NamedTuple):
    """The likes of some users, with padding at the end.

    Attributes:
        rows: int32 [n_likes], whose like it is; of padding n_users, the row of nobody.
        items: int32 [n_likes]; 0 of padding.
        counts: float32 [n_users], the likes of each; 0 of padding.
    """

    rows: Indices
    items: Indices
    counts: Float32s

    @classmethod
    def of(cls, likes: csr_array, n_users: int) -> Self:
        """Return the likes of up to `n_users` users, CSR [n, n_items], with padding."""
        counts = np.diff(likes.indptr)
        rows = np.repeat(np.arange(len(counts), dtype=np.int32), counts)
        padding = (0, _rounded(likes.nnz) - likes.nnz)
        return cls(
            np.pad(rows, padding, constant_values=n_users),
            np.pad(likes.indices.astype(np.int32), padding),
            np.pad(counts.astype(np.float32), (0, n_users - len(counts))),
        )

    def is_like(self) -> Array:
        """Tell likes from padding, bool [n_likes]."""
        return jnp.asarray(self.rows) < len(self.counts)

    def of_users(self, values: Array) -> Array:
        """Return a user's value for each like, [n_likes, …], of padding that of the last user."""
        return values[jnp.minimum(self.rows, len(self.counts) - 1)]

    def membership(self, n_items: int) -> Array:
        """Return which items each user likes, bool [n_users, n_items]."""
        return jnp.zeros((len(self.counts), n_items), bool).at[self.rows, self.items].set(True, mode="drop")


def user_batches(likes: csr_array, n_users: int, seed: tuple[int, ...]) -> Iterator[UserBatch]:
    """Yield all users once, `n_users` at a time, in an order that follows from the seed.

    Args:
        likes: CSR float32 [n, n_items], ones.
        n_users: Users of a batch; the last one is padded.
        seed: Of the order.
    """
    order = np.random.default_rng(seed).permutation(likes.shape[0])
    for start in range(0, len(order), n_users):
        yield UserBatch.of(likes[order[start : start + n_users]], n_users)


def _rounded(number: int) -> int:
    """Return the next number of the form 2ⁿ or 3 · 2ⁿ."""
    power = _FEWEST
    while power < number:
        power *= 2
    between = power * 3 // 4
    return between if between >= max(number, _FEWEST) else power
