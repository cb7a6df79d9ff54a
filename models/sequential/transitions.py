"""Transitions: what follows an item, by distance, over one or several steps, less to popular items."""

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.sparse import csr_array

from models.autoencoders.item_gram import Sequences
from models.sequential.followers import following, in_blocks_of_rows
from models.sequential.next_item import NextItem, NextItemConfig
from nightschool.contract import Float32s, Space, Span
from nightschool.data.shape import Shape
from nightschool.ranking.foldin import fold_in_on_all_cores
from nightschool.ranking.truncate import keep_largest


class TransitionsConfig(NextItemConfig):
    """How far apart two items may be, what the way back counts, and how steps are chained."""

    recency: float = Field(
        default=1.0, gt=0, le=1000, description="Places in a history over which an item's weight falls to 1/e."
    )
    reach: int = Field(default=5, ge=1, le=100, description="Largest distance of two items in a history that counts.")
    fading: float = Field(default=0.6, gt=0, le=1, description="What each further place of distance counts less.")
    backward: float = Field(default=0.0, ge=0, le=1, description="What an item that came before counts.")
    second_hop: float = Field(default=0.3, ge=0, le=1, description="What two steps count beside one.")
    popularity: float = Field(
        default=0.0, ge=0, le=1, description="Power of the followers' popularity that divides a weight."
    )

    space: ClassVar[Space] = {
        "recency": Span(0.3, 10.0, log=True),
        "reach": (2, 5, 10, 20),
        "backward": (0.0, 0.25, 0.5, 1.0),
        "second_hop": (0.0, 0.15, 0.3, 0.6),
        "popularity": (0.0, 0.25, 0.5),
    }


class Transitions(NextItem):
    """Transitions: directed, distance-decayed item-to-item weights, chained over two hops.

    Formula:
        score = a · W, a(i) = exp(−place(i) / `recency`), W = T + `second_hop` · T², where row i of T is the share of
        Σ `fading`^(d − 1) over the items that come d ≤ `reach` places after item i (those before it counted with
        `backward`), divided by followers' popularity to the power of `popularity`. Of each row the `weights_per_item`
        largest entries are kept.

    Good for:
        What people take next, learned in seconds from few data.

    Refuses:
        Data without an order, histories of one item alone, and weights that exceed `max_gigabytes`.

    Memory:
        16 bytes a weight, `weights_per_item` of them for each item.

    Examples:
        >>> model = Transitions(TransitionsConfig(recency=10.0, backward=1.0)).fit(dataset, seed=0)
        >>> algebra = model.recommend(dataset.user_ids[:1], k=3)["item_id"]
        >>> sorted(algebra) == [item for item in range(100, 110) if item not in seen("user 0")]
        True

    Reference:
        Ludewig and Jannach, "Evaluation of Session-based Recommendation Algorithms", UMUAI 28, 2018 (sequential rules).
    """

    name = "transitions"
    config_type = TransitionsConfig

    config: TransitionsConfig

    def fit_seconds(self, shape: Shape) -> float:
        """Estimate the seconds of a fit to data of this shape."""
        return 5e-9 * shape.pairs * self.config.reach + 3e-8 * shape.items**2

    def _weights(self, sequences: Sequences, n_items: int) -> csr_array:
        self._require_memory(2 * n_items * self.config.weights_per_item * 8 / 1e9, n_items, "weights_per_item")
        (after, before), counts = self.kernels(), np.bincount(sequences.items, minlength=n_items)
        steps = in_blocks_of_rows(
            lambda items: self.shares(following(sequences, items, n_items, after, before), counts),
            self.largest,
            n_items,
        )
        return in_blocks_of_rows(lambda items: self.chained(steps, items), self.largest, n_items)

    def largest(self, rows: Float32s) -> csr_array:
        """Keep what is kept of some rows of weights, CSR float32 of their shape."""
        return keep_largest(rows, self.config.weights_per_item)

    def kernels(self) -> tuple[Float32s, Float32s]:
        """Return what counts of items that come after one, and before it, by distance: both float32 [reach + 1]."""
        distances = np.arange(self.config.reach + 1)
        after = (self.config.fading ** np.maximum(distances - 1, 0)).astype(np.float32)
        return after, np.float32(self.config.backward) * after

    def shares(self, rows: Float32s, counts: NDArray[np.integer]) -> Float32s:
        """Turn rows of what `following` sums into rows of T, in place; rows sum to one at most.

        Args:
            rows: float32 [n, n_items].
            counts: int [n_items], how many likes of each item have a place.
        """
        sums = rows.sum(axis=1, dtype=np.float64)
        rows *= (1 / np.maximum(sums, 1e-12)).astype(np.float32)[:, None]
        rows *= (np.maximum(counts, 1.0) ** -self.config.popularity).astype(np.float32)
        return rows

    def chained(self, steps: csr_array, items: range) -> Float32s:
        """Return rows of W from T, CSR [n_items, n_items]: dense float32 [len(items), n_items]."""
        one = steps[items.start : items.stop]
        rows = fold_in_on_all_cores(one, steps)
        rows *= np.float32(self.config.second_hop)
        rows += one.toarray()
        rows[np.arange(len(items)), list(items)] = 0
        return rows
