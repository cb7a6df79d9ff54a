"""Features of candidates from the order of histories: what follows the last items, and how early an item is taken."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numba import njit
from scipy.sparse import csr_array

from models.autoencoders.item_gram import Sequences
from models.reranker.features.base import Candidates, FeatureGroup
from models.reranker.features.history import standardise
from models.sequential.followers import following, in_blocks_of_rows
from nightschool.columns import ITEM_INDEX, USER_INDEX
from nightschool.contract import Dataset, Float32s
from nightschool.data.sequences import placed_likes
from nightschool.ranking.truncate import keep_largest

_REACH = 5  # places ahead that count, each further one a half less
_NEIGHBOURS = 200
_SUMMED = 10  # last items whose transitions are summed, each further one less by exp(−1 / _RECENCY)
_RECENCY = 3.0
_COLUMNS = ("from the last", "from the 2nd last", "from the 3rd last", "from the last ten", "back to the last")


@dataclass(frozen=True, eq=False)
class Order(FeatureGroup):
    """How often a candidate comes soon after the last items of a history, and how early in a history it is taken.

    A transition from an item is the share Σ 0.5^(d − 1) over the histories in which the candidate comes d ≤ 5 places
    after it, of the histories that hold the item; each of these columns is standardised over the user's candidates.
    Places are logarithms. Where the data have no order, all is NaN.

    Attributes:
        recent: CSR float32 [n_users, n_items], 1 … 10 for the last liked items, 1 being the newest.
        after: CSR float32 [n_items, n_items], the transitions from an item to those that come after it.
        before: CSR float32 [n_items, n_items], the same to those that come before it.
        items: float32 [n_items], the mean place at which an item is liked.
        users: float32 [n_users], the place that comes next.
    """

    by_user = ("recent", "users")

    recent: csr_array
    after: csr_array
    before: csr_array
    items: Float32s
    users: Float32s

    @classmethod
    def of(cls, dataset: Dataset) -> Self:
        """Count what follows what, and at which places items are liked."""
        sequences = Sequences.of(dataset, np.arange(dataset.n_items), dataset.n_items)
        after, before = _transitions(sequences, dataset.n_items)
        places = np.log1p(np.arange(len(sequences.items)) - sequences.bounds[:, 0])
        counts = np.bincount(sequences.items, minlength=dataset.n_items)
        items = np.bincount(sequences.items, places, dataset.n_items) / np.maximum(counts, 1)
        recent, lengths = _recent(dataset)
        users = np.where(lengths > 0, np.log1p(lengths), np.nan)
        return cls(
            recent, after, before, np.where(counts > 0, items, np.nan).astype(np.float32), users.astype(np.float32)
        )

    @property
    def names(self) -> Sequence[str]:
        """Name of each column."""
        return (*(f"transition {name}" for name in _COLUMNS), "place of the item", "place of the item after the user's")

    def columns(self, candidates: Candidates) -> Float32s:
        """Compute the columns, float32 [n_names, n_candidates]."""
        found = np.zeros((len(_COLUMNS), len(candidates.items)), dtype=np.float32)
        recent = self.recent[candidates.users]
        parts = (recent.indptr, recent.indices, recent.data), candidates.starts, candidates.items
        relations = ((each.indptr, each.indices, each.data) for each in (self.after, self.before))
        _add_transitions(found, *parts, *relations)
        standardise(found, candidates.starts)
        items, users = self.items[candidates.items], self.users[candidates.owners]
        found[:, np.isnan(users)] = np.nan
        return np.concatenate([found, [items, items - users]])


def _transitions(sequences: Sequences, n_items: int) -> tuple[csr_array, csr_array]:
    """Return the transitions to what comes after each item and to what comes before it."""
    distances = np.arange(_REACH + 1)
    kernel = np.where(distances > 0, 0.5 ** (distances - 1.0), 0).astype(np.float32)
    nothing = np.zeros(1, dtype=np.float32)
    counts = np.maximum(np.diff(sequences.starts), 1).astype(np.float32)[:, None]

    def shares(items: range, after: Float32s, before: Float32s) -> Float32s:
        rows = following(sequences, items, n_items, after, before)
        rows /= counts[items.start : items.stop]
        return rows

    def nearest(rows: Float32s) -> csr_array:
        return keep_largest(rows, _NEIGHBOURS)

    after = in_blocks_of_rows(lambda items: shares(items, kernel, nothing), nearest, n_items)
    before = in_blocks_of_rows(lambda items: shares(items, nothing, kernel), nearest, n_items)
    return after, before


def _recent(dataset: Dataset) -> tuple[csr_array, Float32s]:
    """Return the ages of the last likes, CSR float32 [n_users, n_items], and how many likes have a place [n_users]."""
    liked = placed_likes(dataset)
    users, items = liked[USER_INDEX].to_numpy(), liked[ITEM_INDEX].to_numpy()
    lengths = np.bincount(users, minlength=dataset.n_users)
    ages = np.cumsum(lengths)[users] - np.arange(len(users))
    kept = ages <= _SUMMED
    starts = np.concatenate([[0], np.cumsum(np.minimum(lengths, _SUMMED))])
    shape = (dataset.n_users, dataset.n_items)
    return csr_array((ages[kept].astype(np.float32), items[kept], starts), shape=shape), lengths.astype(np.float32)


@njit(nogil=True, cache=True)
def _add_transitions(found, recent, starts, items, after, before):  # type: ignore[no-untyped-def]  # numba compiles it by argument
    """Add to `found`, [n_columns, n_candidates]."""
    recent_starts, history, ages = recent
    entry_of = np.full(len(after[0]) - 1, -1, dtype=np.int64)
    for row in range(len(starts) - 1):
        for entry in range(starts[row], starts[row + 1]):
            entry_of[items[entry]] = entry
        for place in range(recent_starts[row], recent_starts[row + 1]):
            age, item = int(ages[place]), history[place]
            _add(found[3], after, item, entry_of, np.exp(-(age - 1) / _RECENCY))
            if age <= 3:
                _add(found[age - 1], after, item, entry_of, 1.0)
            if age == 1:
                _add(found[4], before, item, entry_of, 1.0)
        for entry in range(starts[row], starts[row + 1]):
            entry_of[items[entry]] = -1


@njit(cache=True)
def _add(column, relation, item, entry_of, strength):  # type: ignore[no-untyped-def]  # as above
    near_starts, neighbours, weights = relation
    for near in range(near_starts[item], near_starts[item + 1]):
        entry = entry_of[neighbours[near]]
        if entry >= 0:
            column[entry] += np.float32(strength) * weights[near]
