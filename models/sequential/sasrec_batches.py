"""What a next-item network is trained on: the newest part of each history, packed side by side into rows."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.sparse import csr_array

from models.autoencoders.item_gram import likes_by_time
from nightschool.columns import ITEM_INDEX, TIMESTAMP, USER_INDEX
from nightschool.contract import Dataset, Indices
from nightschool.histories import Histories

# numba compiles these by the types of their arguments, which annotations would not change.
# mypy: disable-error-code="no-untyped-def"

_SHARE = 0.1
_MOST = 5000
_FEWEST_LIKES = 3  # one to come from, one to learn, one to hold out


class Batch(NamedTuple):
    """Histories packed into rows, int32 [rows, length].

    Attributes:
        inputs: The item at each place.
        targets: The item that comes next.
        segments: The number of the history within its row, from 1; 0 where a place is empty.
    """

    inputs: Indices
    targets: Indices
    segments: Indices


class HeldOut(NamedTuple):
    """The last like of some histories.

    Attributes:
        items: int32 [n], what came last.
        histories: What came before it, n histories of the learned items.
    """

    items: Indices
    histories: Histories


@dataclass(frozen=True, eq=False)
class TrainingSet:
    """Histories to learn from, without the last like of some of them, which tells when to stop.

    Attributes:
        rows: int32, the histories' items one after the other, oldest first.
        starts: int64 [n_histories], where each begins.
        sizes: int64 [n_histories], how many of its places have a next item.
        counts: int64 [n_items], the likes of each item.
        held_out: The last likes that are held out, of a tenth of the histories.
    """

    rows: Indices
    starts: NDArray[np.int64]
    sizes: NDArray[np.int64]
    counts: NDArray[np.int64]
    held_out: HeldOut

    @classmethod
    def of(cls, dataset: Dataset, items: Indices, length: int, seed: int) -> Self:
        """Cut each history to its newest `length` steps, and draw whose last like is held out.

        Args:
            dataset: What is learned from.
            items: int32 [n_items of the dataset], the row of each item that was liked, -1 of others.
            length: Steps from an item to the next one.
            seed: Of the draw.
        """
        liked = likes_by_time(dataset)
        if not dataset.ordered:
            liked = liked.drop_nulls(TIMESTAMP)
        rows = items[liked[ITEM_INDEX].to_numpy()]
        likes = np.bincount(liked[USER_INDEX].to_numpy(), minlength=dataset.n_users)
        ends = np.cumsum(likes)
        drawn = _draw(likes, seed)
        lasts = ends - 1 - drawn
        sizes = np.clip(lasts - (ends - likes), 0, length)
        starts = lasts - sizes
        held, learned, used = np.flatnonzero(drawn), int(items.max(initial=-1)) + 1, sizes > 0
        before = _histories(rows, (ends - likes)[held], likes[held] - 1, learned)
        return cls(
            rows=rows,
            starts=starts[used],
            sizes=sizes[used],
            counts=np.bincount(rows, minlength=learned),
            held_out=HeldOut(rows[ends[held] - 1], before),
        )

    def batches(self, rows: int, length: int, seed: tuple[int, ...]) -> Iterator[Batch]:
        """Yield all histories once, in an order that follows from the seed, `rows` rows at a time."""
        order = np.random.default_rng(seed).permutation(len(self.sizes))
        sizes = self.sizes[order]
        used, row_of, column_of, segment_of = _place(sizes, length)
        height = -(-used // rows) * rows
        inputs, targets, segments = (np.zeros((height, length), dtype=np.int32) for _ in range(3))
        within = _ranges(sizes)
        sources = np.repeat(self.starts[order], sizes) + within
        cells = np.repeat(row_of, sizes), np.repeat(column_of, sizes) + within
        inputs[cells], targets[cells] = self.rows[sources], self.rows[sources + 1]
        segments[cells] = np.repeat(segment_of, sizes)
        for start in range(0, height, rows):
            part = slice(start, start + rows)
            yield Batch(inputs[part], targets[part], segments[part])


def _draw(likes: NDArray[np.int64], seed: int) -> NDArray[np.bool_]:
    """Draw a tenth of the histories that are long enough, at least one and at most five thousand."""
    eligible = np.flatnonzero(likes >= _FEWEST_LIKES)
    drawn = np.zeros(len(likes), dtype=bool)
    number = min(int(np.ceil(_SHARE * len(eligible))), _MOST)
    drawn[np.random.default_rng(seed).choice(eligible, number, replace=False)] = True
    return drawn


def _histories(rows: Indices, starts: NDArray[np.int64], sizes: NDArray[np.int64], n_items: int) -> Histories:
    """Return parts of the sequence of rows as histories of ones; no item occurs twice in one."""
    within = _ranges(sizes)
    users = np.repeat(np.arange(len(sizes)), sizes)
    columns = rows[np.repeat(starts, sizes) + within]
    order = np.lexsort((columns, users))
    places = (np.repeat(sizes, sizes) - 1 - within)[order].astype(np.int32)
    bounds = np.concatenate([[0], np.cumsum(sizes)])
    ones = np.ones(len(order), dtype=np.float32)
    return Histories(csr_array((ones, columns[order], bounds), shape=(len(sizes), n_items)), places)


def _ranges(sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Count from 0 within each of the sizes, one after the other."""
    ends = np.cumsum(sizes)
    counted: NDArray[np.int64] = np.arange(int(ends[-1]) if len(ends) else 0) - np.repeat(ends - sizes, sizes)
    return counted


@njit(nogil=True, cache=True)
def _place(sizes, length):
    """Put histories into rows in their order, a new row where one does not fit: rows used, row, column, number."""
    rows, columns, numbers = np.zeros_like(sizes), np.zeros_like(sizes), np.zeros_like(sizes)
    row, column, number = 0, 0, 0
    for place, size in enumerate(sizes):
        if column + size > length:
            row, column, number = row + 1, 0, 0
        number += 1
        rows[place], columns[place], numbers[place] = row, column, number
        column += size
    return row + 1, rows, columns, numbers
