"""The graph of likes: vectors of items summed over their users, those of users over their items, layer by layer."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np
from numba import njit
from scipy.sparse import csr_array

from nightschool.contract import Float32s
from nightschool.ranking.blocks import each_block

# numba compiles the kernel by the types of its arguments, which annotations would not change.
# mypy: disable-error-code="no-untyped-def"

_ROWS_A_BLOCK = 1024


class Sides(NamedTuple):
    """Vectors of both sides of the graph, or slopes of a loss by them.

    Attributes:
        users: float32 [n_users, d].
        items: float32 [n_items, d].
    """

    users: Float32s
    items: Float32s


@dataclass(frozen=True, eq=False)
class LikeGraph:
    """Likes as edges, each weighing 1 / √(likes of its user · likes of its item).

    Attributes:
        by_user: CSR float32 [n_users, n_items].
        by_item: The same edges, CSR float32 [n_items, n_users].
    """

    by_user: csr_array
    by_item: csr_array

    @classmethod
    def of(cls, likes: csr_array) -> Self:
        """Build the graph of likes, CSR [n_users, n_items]; what is stored is an edge."""
        of_user = np.repeat(np.diff(likes.indptr), np.diff(likes.indptr))
        of_item = np.bincount(likes.indices, minlength=likes.shape[1])[likes.indices]
        weights = (1 / np.sqrt(of_user * of_item)).astype(np.float32)
        by_user = csr_array((weights, likes.indices, likes.indptr), shape=likes.shape)
        return cls(by_user, by_user.T.tocsr())

    def layers(self, items: Float32s, number: int) -> list[Float32s]:
        """Return layers 0 to `number`: even ones of items, odd ones of users, each summed over the one before.

        Args:
            items: float32 [n_items, d], layer 0.
            number: How many follow it.
        """
        found = [items]
        for layer in range(number):
            found.append(sum_neighbours(self.by_item if layer % 2 else self.by_user, found[-1]))
        return found

    def slopes(self, sides: Sides, number: int) -> Float32s:
        """Carry slopes by the sums of layers back to layer 0, float32 [n_items, d].

        Args:
            sides: Slopes by the sums of the odd layers and of the even ones.
            number: How many layers follow layer 0.
        """
        carried = sides.users if number % 2 else sides.items
        for layer in reversed(range(number)):
            own = sides.users if layer % 2 else sides.items
            carried = own + sum_neighbours(self.by_user if layer % 2 else self.by_item, carried)
        return carried


def sums_of_layers(layers: Sequence[Float32s]) -> Sides:
    """Sum the odd layers and the even ones; without odd ones users have none.

    Args:
        layers: At least layers 0 and 1.
    """
    return Sides(sum(layers[3::2], layers[1]), sum(layers[2::2], layers[0]))


def sum_neighbours(edges: csr_array, vectors: Float32s) -> Float32s:
    """Return edges @ vectors on all cores, float32 [n, d]; a row's sum runs over its own edges in their order."""
    sums = np.zeros((edges.shape[0], vectors.shape[1]), dtype=np.float32)
    parts = edges.indptr, edges.indices, edges.data
    each_block(lambda rows: _add_neighbours(rows, parts, vectors, sums), len(sums), _ROWS_A_BLOCK)
    return sums


@njit(nogil=True, cache=True)
def _add_neighbours(rows, edges, vectors, sums):
    """Add to the rows of `sums`."""
    starts, ends, weights = edges
    for row in rows:
        total = sums[row]
        for edge in range(starts[row], starts[row + 1]):
            vector, weight = vectors[ends[edge]], weights[edge]
            for place in range(len(total)):
                total[place] += weight * vector[place]
