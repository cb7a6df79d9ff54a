"""Likes that are held out of a network's training, to tell when it ranks best."""

from collections.abc import Callable
from typing import Final, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from threadpoolctl import threadpool_limits

from nightschool.contract import Float32s, Indices
from nightschool.histories import only

_SHARE: Final = 0.1
_MOST: Final = 5000
_FEWEST_LIKES: Final = 3
_LIKES: Final = 0.2
_CUTOFF: Final = 100
_BLOCK: Final = 256


class HeldOut(NamedTuple):
    """A fifth of the likes of a tenth of the users.

    Attributes:
        users: int32 [n], the rows of these users.
        likes: CSR float32 [n, n_items], what is held out.
        known: CSR float32 [n, n_items], what is left of their likes, which is learned from.
    """

    users: Indices
    likes: csr_array
    known: csr_array

    @classmethod
    def of(cls, likes: csr_array, seed: int) -> tuple[csr_array, Self]:
        """Draw what is held out: of at most 5,000 users, of each at least one like and at most a fifth, rounded up.

        Args:
            likes: CSR float32 [n_users, n_items], ones.
            seed: Of the draws.

        Returns:
            The likes that are left to learn from, of the same shape, and those held out.
        """
        counts = np.diff(likes.indptr)
        eligible = np.flatnonzero(counts >= _FEWEST_LIKES)
        rng = np.random.default_rng(seed)
        users = np.sort(rng.choice(eligible, min(int(np.ceil(_SHARE * len(eligible))), _MOST), replace=False))
        numbers = np.zeros(len(counts), dtype=np.int64)
        numbers[users] = np.ceil(_LIKES * counts[users])
        held = _drawn(likes, numbers, rng)
        left, out = (only(kept, likes.data[kept], likes) for kept in (~held, held))
        return left, cls(users.astype(np.int32), out[users], left[users])

    def ndcg(self, score: Callable[[slice], Float32s]) -> float:
        """Return the mean ndcg@100 of what is held out among all items but the known ones.

        Args:
            score: Returns the scores of some of these users, by their places, float32 [n_block, n_items] to overwrite.
        """
        gains = []
        with threadpool_limits(1):
            for start in range(0, len(self.users), _BLOCK):
                block = slice(start, min(start + _BLOCK, len(self.users)))
                scores, known = score(block), self.known[block]
                scores[_rows(known), known.indices] = -np.inf
                gains.append(_ndcg(scores, self.likes[block]))
        return float(np.concatenate(gains).mean())


def _drawn(likes: csr_array, numbers: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.bool_]:
    """Draw so many likes of each user, bool, one an entry."""
    rows = _rows(likes)
    order = np.lexsort((rng.random(likes.nnz), rows))
    drawn = np.zeros(likes.nnz, dtype=bool)
    drawn[order] = np.arange(likes.nnz) - likes.indptr[rows] < numbers[rows]
    return drawn


def _rows(matrix: csr_array) -> NDArray[np.int64]:
    rows: NDArray[np.int64] = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    return rows


def _ndcg(scores: Float32s, likes: csr_array) -> NDArray[np.float64]:
    """Return each row's ndcg at the cutoff; rows have at least one like."""
    n_best = min(_CUTOFF, scores.shape[1])
    best = np.argpartition(-scores, n_best - 1, axis=1)[:, :n_best]
    order = np.argsort(-np.take_along_axis(scores, best, axis=1), axis=1, kind="stable")
    hits = np.take_along_axis(likes.toarray(), np.take_along_axis(best, order, axis=1), axis=1)
    discounts = 1 / np.log2(2 + np.arange(n_best))
    ideal = np.cumsum(discounts)[np.minimum(np.diff(likes.indptr), n_best) - 1]
    found: NDArray[np.float64] = hits @ discounts / ideal
    return found
