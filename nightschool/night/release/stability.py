"""A tie to the lists of the release before, so that a list stays as it is unless others are better by some margin."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from nightschool.columns import ITEM_ID, ITEM_INDEX, RANK, USER_ID, USER_INDEX
from nightschool.contract import Blended, Dataset, Float32s, Indices, Mask, Pool
from nightschool.night.monitoring.lists import TOP, Since

STRENGTHS: Final = (0.0, 0.5, 1.0, 2.0, 3.0, 5.0, 8.0, 12.0, 20.0)
"""Margins that are tried, in places: what a listed item's score gains, in mean steps between neighbouring places."""

_AIM: Final = 0.5
"""The share of the changes that the tie shall leave."""
_STEPS: Final = 2 * TOP
_MOST_LOOKED_AT: Final = 2_000
_LEAST: Final = 20


@dataclass(frozen=True, eq=False)
class Tie:
    """The first ten of the release before, and by how much they come first.

    Attributes:
        listed: int32 [n_users, 10], items; -1 is padding, and all that users have who are not tied.
        strength: The margin in places.
        untied: The share of changed lists without the tie, of the users who were looked at; None where none was.
    """

    listed: Indices
    strength: float
    untied: float | None

    def apply(self, scores: Float32s, pool: Pool, users: Indices) -> Float32s:
        """Return the scores with what the items listed before gain, float32 [n, width].

        Args:
            scores: float32 [n, width], the combined scores of the candidates; -inf is never ranked.
            pool: The candidates.
            users: int32 [n].
        """
        if not self.strength:
            return scores
        return scores + np.float32(self.strength) * _gains(scores, pool.items, self.listed[users])


UNTIED: Final = Tie(np.empty((0, TOP), dtype=np.int32), 0.0, None)
"""The tie of a night without a release before."""


def tie_to(before: Since, recommender: Blended, dataset: Dataset) -> Tie:
    """Return the smallest tie that halves the share of lists that change for users without new events.

    Every release is tied to the lists that users saw, so that a list follows a lasting change after some nights.

    Args:
        before: The lists of the release before, and the events since.
        recommender: Tonight's, fitted.
        dataset: Everything known tonight.
    """
    listed = listed_before(before, dataset)
    users = np.flatnonzero((listed >= 0).any(axis=1) & ~dataset.cold_users).astype(np.int32)
    if len(users) < _LEAST:
        return Tie(listed, 0.0, None)
    users = users[np.linspace(0, len(users) - 1, min(len(users), _MOST_LOOKED_AT)).astype(np.int64)]
    pool = recommender.pool(users)
    scores = recommender.combine(pool, users)
    gains = _gains(scores, pool.items, listed[users])
    was = _members(pool.items, listed[users]).sum(axis=1) == (listed[users] >= 0).sum(axis=1)
    changed = [
        float((~(was & _keeps(scores + np.float32(strength) * gains, pool.items, listed[users]))).mean())
        for strength in STRENGTHS
    ]
    enough = (strength for strength, share in zip(STRENGTHS, changed, strict=True) if share <= _AIM * changed[0])
    return Tie(listed, next(enough, STRENGTHS[-1]) if changed[0] else 0.0, changed[0])


def listed_before(before: Since, dataset: Dataset) -> Indices:
    """Return the first ten of users without new events, int32 [n_users, 10]; -1 is padding."""
    users = pl.LazyFrame({USER_ID: dataset.user_ids}).with_row_index(USER_INDEX)
    items = pl.LazyFrame({ITEM_ID: dataset.item_ids}).with_row_index(ITEM_INDEX)
    first = before.lists.filter(pl.col(RANK) <= TOP).select(USER_ID, ITEM_ID, RANK)
    quiet = first.join(before.events.select(USER_ID).unique(), on=USER_ID, how="anti")
    found = quiet.join(users, on=USER_ID).join(items, on=ITEM_ID).select(USER_INDEX, ITEM_INDEX, RANK).collect()
    listed = np.full((dataset.n_users, TOP), -1, dtype=np.int32)
    listed[found[USER_INDEX].to_numpy(), found[RANK].to_numpy() - 1] = found[ITEM_INDEX].to_numpy()
    return listed


def _gains(scores: Float32s, items: Indices, listed: Indices) -> Float32s:
    """Return what one place is worth for each candidate that was listed, float32 [n, width]; 0 for all others.

    A place is worth the mean step from the best to the twentieth score; nothing where fewer can be ranked.
    """
    gains = np.zeros(scores.shape, dtype=np.float32)
    tied = np.flatnonzero((listed >= 0).any(axis=1))
    if scores.shape[1] < _STEPS or not len(tied):
        return gains
    ordered = -np.partition(-scores[tied], (0, _STEPS - 1), axis=1)[:, [0, _STEPS - 1]]
    with np.errstate(invalid="ignore"):
        steps = (ordered[:, 0] - ordered[:, 1]) / np.float32(_STEPS - 1)
    steps[~np.isfinite(steps)] = 0
    gains[tied] = steps[:, None] * _members(items[tied], listed[tied])
    return gains


def _members(items: Indices, listed: Indices) -> Mask:
    """Return which candidates were listed, bool [n, width]."""
    found: NDArray[np.bool_] = np.zeros(items.shape, dtype=bool)
    for place in range(listed.shape[1]):
        found |= (items == listed[:, place, None]) & (listed[:, place, None] >= 0)
    return found


def _keeps(scores: Float32s, items: Indices, listed: Indices) -> Mask:
    """Return whose first places hold just the items that were listed, bool [n]."""
    n_listed = (listed >= 0).sum(axis=1)
    order = np.argsort(-scores, axis=1, kind="stable")[:, :TOP]
    first = np.take_along_axis(_members(items, listed), order, axis=1)
    return np.asarray(np.cumsum(first, axis=1)[np.arange(len(items)), np.maximum(n_listed, 1) - 1] == n_listed)
