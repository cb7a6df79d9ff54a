"""The item matrix: co-occurrence of likes, similarity of descriptions, nearness in time."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import polars as pl
from numba import njit
from numpy.typing import NDArray
from scipy.sparse import csr_array, hstack

from nightschool.columns import ITEM_INDEX, SCORE, USER_INDEX
from nightschool.contract import Dataset, Float32s
from nightschool.data.sequences import placed_likes
from nightschool.ranking.blocks import each_block

# numba compiles these by the types of their arguments, which annotations would not change.
# mypy: disable-error-code="no-untyped-def"

_REACH = 5.0  # places in a history over which nearness falls to 1/e
_WINDOW = 60  # places beyond which it is below 1e-5

Int64s = NDArray[np.int64]
Parts = tuple[Int64s, NDArray[np.int32], Float32s]
Products = tuple[Parts, Parts, np.float32]


@dataclass(frozen=True)
class Sequences:
    """The histories in the order of time, one after the other.

    Attributes:
        items: int32 [n_places].
        bounds: The places where its history begins and ends, int64 [n_places, 2].
        starts: int64 [n_items + 1], where each item's entries in `places` begin.
        places: int64 [n_places], the places sorted by their item.
    """

    items: NDArray[np.int32]
    bounds: Int64s
    starts: Int64s
    places: Int64s

    @classmethod
    def of(cls, dataset: Dataset, index: Int64s, n_items: int) -> Self:
        """Sort the likes by user and time, equal times as in the source; none where the data have no order.

        A like without a time has no place, unless the source's order is that of time.

        Args:
            dataset: What is learned from.
            index: int64 [dataset.n_items], the new index of each item, below `n_items`.
            n_items: How many items there are by the new index.
        """
        if not dataset.has_order:
            return cls.none(n_items)
        liked = placed_likes(dataset)
        lengths = np.bincount(liked[USER_INDEX].to_numpy(), minlength=dataset.n_users)
        return cls.of_histories(index[liked[ITEM_INDEX].to_numpy()], lengths, n_items)

    @classmethod
    def of_histories(cls, items: Int64s, lengths: Int64s, n_items: int) -> Self:
        """Build them from the items of one history after the other, and the length of each."""
        ends = np.cumsum(lengths)
        bounds = np.repeat(np.stack([ends - lengths, ends], axis=1), lengths, axis=0)
        starts = np.concatenate([[0], np.cumsum(np.bincount(items, minlength=n_items))])
        return cls(items.astype(np.int32), bounds, starts, np.argsort(items, kind="stable"))

    @classmethod
    def none(cls, n_items: int) -> Self:
        """Return an order of no histories."""
        nothing = np.empty(0, dtype=np.int64)
        starts = np.zeros(n_items + 1, dtype=np.int64)
        return cls(nothing.astype(np.int32), np.empty((0, 2), dtype=np.int64), starts, nothing)


@dataclass(frozen=True)
class ItemGram:
    """The item matrix G = XᵀX + content · FFᵀ + cotime · Σ_u exp(−|place of i − place of j| / 5).

    Each of the three is a sum of likenesses and has no negative eigenvalue, so whatever is added to the diagonal of G
    gives it an inverse.

    Attributes:
        likes: X, CSR float32 [n_users, n_items].
        features: F, CSR float32 [n_items, n_features].
        sequences: The histories by time.
        content: Weight of what items say of themselves.
        cotime: Weight of nearness in time.
        vectors: Further columns of F, float32 [n_items, d], that nearly all items fill.
    """

    likes: csr_array
    features: csr_array
    sequences: Sequences
    content: float = 0.0
    cotime: float = 0.0
    vectors: Float32s | None = None

    @classmethod
    def of_likes(cls, likes: csr_array) -> Self:
        """Build G = XᵀX, without content or times."""
        n_items = likes.shape[1]
        return cls(likes, csr_array((n_items, 0), dtype=np.float32), Sequences.none(n_items))

    @property
    def n_items(self) -> int:
        """Rows and columns of G."""
        return int(self.likes.shape[1])

    def counts(self) -> NDArray[np.float64]:
        """Count the likes of each item, float64 [n_items]; the sum of squares where likes have a weight."""
        squares = self.likes.data.astype(np.float64) ** 2
        return np.bincount(self.likes.indices, weights=squares, minlength=self.n_items).astype(np.float64)

    def diagonal(self) -> NDArray[np.float64]:
        """Return the diagonal of G, float64 [n_items]."""
        diagonal = self.counts() + self.cotime * np.bincount(self.sequences.items, minlength=self.n_items)
        diagonal += self.content * self.features.power(2).sum(axis=1)
        return diagonal if self.vectors is None else diagonal + self.content * np.sum(self.vectors**2, axis=1)

    def rows(self, items: Int64s, dtype: type[np.floating]) -> NDArray[np.floating]:
        """Return some rows of G, dense [n, n_items]."""
        rows = np.zeros((len(items), self.n_items), dtype=dtype)
        parts = self._interactions(), self._products(self.features), self._timed()
        each_block(lambda block: _fill_rows(rows, items, block, *parts), len(items))
        if self.vectors is not None:
            rows += np.float32(self.content) * (self.vectors[items] @ self.vectors.T)
        return rows

    def entries_by_row(self) -> Int64s:
        """Count the entries in each row of the matrix that `sparse` returns, int64 [n_items]."""
        counts = np.zeros(self.n_items, dtype=np.int64)
        interactions, timed = self._interactions(), self._timed()
        each_block(lambda block: _count_entries(counts, block, interactions, timed), self.n_items)
        return counts

    def sparse(self, counts: Int64s) -> csr_array:
        """Return G without content, CSR float32 [n_items, n_items], columns ascending.

        Args:
            counts: What `entries_by_row` gave.
        """
        starts = np.concatenate([[0], np.cumsum(counts)])
        columns = np.empty(starts[-1], dtype=np.int32)
        values = np.empty(starts[-1], dtype=np.float32)
        interactions, timed = self._interactions(), self._timed()
        each_block(lambda block: _fill_entries((starts, columns, values), block, interactions, timed), self.n_items)
        return csr_array((values, columns, starts), shape=(self.n_items, self.n_items))

    def _interactions(self) -> Products:
        by_item = self.likes.T.tocsr()
        return parts_of(by_item), parts_of(self.likes), np.float32(1)

    def described(self) -> Products:
        """Return the content part of G as `add_products` takes it."""
        if self.vectors is None:
            return self._products(self.features)
        return self._products(hstack([self.features, csr_array(self.vectors)], format="csr"))

    def _products(self, features: csr_array) -> Products:
        return parts_of(features), parts_of(features.T.tocsr()), np.float32(self.content)

    def _timed(self) -> tuple[NDArray[Any], ...]:
        nearness = self.cotime * np.exp(-np.arange(_WINDOW + 1) / _REACH)
        order = self.sequences
        return order.items, order.bounds, order.starts, order.places, nearness.astype(np.float32)


def likes_by_time(dataset: Dataset) -> pl.DataFrame:
    """Return the likes by user, then time, then place in the source; those without a time come first."""
    return dataset.pairs.filter(pl.col(SCORE) > 0).sort(dataset.sequence_keys)


def parts_of(matrix: csr_array) -> Parts:
    """Return a matrix as numba takes it: indptr int64, indices int32, data."""
    return matrix.indptr.astype(np.int64), matrix.indices.astype(np.int32), matrix.data


@njit(nogil=True, cache=True)
def _fill_rows(rows, items, block, interactions, described, timed):
    for place in block:
        add_products(rows[place], items[place], interactions)
        add_products(rows[place], items[place], described)
        add_nearness(rows[place], items[place], timed)


@njit(nogil=True, cache=True)
def _count_entries(counts, block, interactions, timed):
    row = np.zeros(len(counts), np.float32)
    for item in block:
        row[:] = 0
        add_products(row, item, interactions)
        add_nearness(row, item, timed)
        counts[item] = np.sum(row != 0)


@njit(nogil=True, cache=True)
def _fill_entries(entries, block, interactions, timed):
    starts, columns, values = entries
    row = np.zeros(len(starts) - 1, np.float32)
    for item in block:
        row[:] = 0
        add_products(row, item, interactions)
        add_nearness(row, item, timed)
        entry = starts[item]
        for column in range(len(row)):
            if row[column] != 0:
                columns[entry] = column
                values[entry] = row[column]
                entry += 1


@njit(cache=True)
def add_products(row, item, products):
    """Add weight · Σ_g M[g, item] · M[g, ·] to a row.

    Args:
        row: [n_items].
        item: An item index.
        products: Mᵀ and M as CSR parts, and the weight.
    """
    (starts, groups, shares), (group_starts, members, values), weight = products
    for entry in range(starts[item], starts[item + 1]):
        group, share = groups[entry], weight * shares[entry]
        their = members[group_starts[group] : group_starts[group + 1]]
        strengths = values[group_starts[group] : group_starts[group + 1]]
        for place in range(len(their)):
            row[their[place]] += share * strengths[place]


@njit(cache=True)
def add_nearness(row, item, timed):
    """Add Σ exp(−distance / 5) over the histories that hold an item and each other item to a row."""
    items, bounds, starts, places, nearness = timed
    for entry in range(starts[item], starts[item + 1]):
        own = places[entry]
        first = max(bounds[own, 0], own - len(nearness) + 1)
        last = min(bounds[own, 1], own + len(nearness))
        for place in range(first, last):
            row[items[place]] += nearness[abs(place - own)]
