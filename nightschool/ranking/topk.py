"""The k best items of every row of a score block, ties broken by ascending item index."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.sparse import csr_array

from nightschool.contract import Float32s, Indices, Mask
from nightschool.errors import ConfigurationError, NightschoolError
from nightschool.ranking.best import keep_best
from nightschool.ranking.blocks import in_blocks


class Ranking(NamedTuple):
    """The best items of each row, best first.

    Attributes:
        items: int32 [n, k], item indices; -1 where a row has fewer than k items to rank.
        scores: float32 [n, k], descending; -inf where `items` is -1.
    """

    items: Indices
    scores: Float32s


def top_k(scores: Float32s, k: int) -> Ranking:
    """Find the k highest scores of each row, exactly as a full stable sort would order them.

    Args:
        scores: float32 [n, n_items]; -inf is never ranked.
        k: Items a row; may exceed n_items.

    Raises:
        ConfigurationError: k is below one.
        NightschoolError: A score is NaN, or the scores are not float32.
    """
    if k < 1:
        raise ConfigurationError("a ranking needs k of at least one", seen=k, do="ask for at least one item")
    _require_float32(scores)
    ranking = empty_ranking(scores.shape[0], k)
    if keep_best(scores, ranking.items, ranking.scores):
        row = int(np.isnan(scores).any(axis=1).argmax())
        raise NightschoolError("a score is NaN", seen=f"row {row} of a block", do="correct the model that scored it")
    return ranking


def _require_float32(scores: Float32s) -> None:
    """Raise where scores are not float32: the kernels read their bits."""
    if scores.dtype != np.float32:
        raise NightschoolError("scores are not float32", seen=str(scores.dtype), do="correct the model that scored")


def empty_ranking(n_rows: int, k: int) -> Ranking:
    """Allocate lists of nothing but padding, int32 and float32 [n_rows, k]."""
    return Ranking(np.full((n_rows, k), -1, dtype=np.int32), np.full((n_rows, k), -np.inf, dtype=np.float32))


def allowed_items(history: csr_array, available: Mask) -> Mask:
    """Mark what may be recommended, bool [n, n_items]: available, and without a stored entry in the row's history.

    Args:
        history: CSR [n, n_items], the rows of the block; zeros and negatives count as seen.
        available: bool [n_items].
    """
    allowed = np.repeat(available[None, :], history.shape[0], axis=0)
    allowed[_row_of_entries(history), history.indices] = False
    return allowed


def mask_excluded(scores: Float32s, users: Indices, history: csr_array, available: Mask) -> None:
    """Set the scores of seen and unavailable items to -inf, in place.

    Args:
        scores: float32 [n, n_items].
        users: int32 [n], the row of the history for each row of scores.
        history: CSR [n_users, n_items]; every stored entry is seen, zeros and negatives too.
        available: bool [n_items].

    Raises:
        NightschoolError: A user is not in the history, or the scores are not float32.
    """
    _require_float32(scores)
    if len(users) and not (users.min() >= 0 and users.max() < history.shape[0]):
        seen = f"{users.min()} to {users.max()} of {history.shape[0]}"
        raise NightschoolError("a user index is not in the history", seen=seen, do="rank users of the dataset")
    _exclude(scores, users, (history.indptr, history.indices), np.flatnonzero(~available))


@njit(nogil=True, cache=True)
def _exclude(scores, users, history, unavailable):  # type: ignore[no-untyped-def]  # numba compiles it by argument
    starts, items = history
    for row in range(len(users)):
        for place in range(len(unavailable)):
            scores[row, unavailable[place]] = -np.inf
        for entry in range(starts[users[row]], starts[users[row] + 1]):
            scores[row, items[entry]] = -np.inf


def _row_of_entries(history: csr_array) -> NDArray[np.int64]:
    return np.repeat(np.arange(history.shape[0]), np.diff(history.indptr))


def rank_users(
    score: Callable[[Indices], Float32s],
    user_indices: Indices,
    *,
    history: csr_array,
    available: Mask,
    k: int,
    block_users: int,
) -> Ranking:
    """Rank the k best unseen available items of each user, block by block on all cores.

    Args:
        score: A recommender's `score`, called from several threads; the block that it returns is masked in place.
        user_indices: int32 [n].
        history: CSR [n_users, n_items] of all users.
        available: bool [n_items].
        k: Items a user.
        block_users: Users scored at a time on each core.

    Raises:
        NightschoolError: A score is NaN.
    """

    def rank(block: Indices) -> Ranking:
        scores = score(block)
        mask_excluded(scores, block, history, available)
        return top_k(scores, k)

    return join_rankings(list(in_blocks(rank, user_indices, block_users)))


def join_rankings(parts: list[Ranking]) -> Ranking:
    """Concatenate lists."""
    return Ranking(np.concatenate([part.items for part in parts]), np.concatenate([part.scores for part in parts]))
