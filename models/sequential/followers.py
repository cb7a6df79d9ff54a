"""Sums over the histories of what follows what, by the distance in places."""

from collections.abc import Callable

import numpy as np
from numba import njit
from scipy.sparse import csr_array, vstack

from models.autoencoders.item_gram import Sequences
from nightschool.contract import Float32s
from nightschool.ranking.blocks import each_block

# numba compiles these by the types of their arguments, which annotations would not change.
# mypy: disable-error-code="no-untyped-def"

_BLOCK_ROWS = 512


def in_blocks_of_rows(fill: Callable[[range], Float32s], keep: Callable[[Float32s], csr_array], n: int) -> csr_array:
    """Fill n rows of a matrix, a block at a time, and keep of each block what is sparse: CSR [n, …]."""
    starts = range(0, n, _BLOCK_ROWS)
    return vstack([keep(fill(range(start, min(start + _BLOCK_ROWS, n)))) for start in starts], format="csr")


def following(sequences: Sequences, items: range, n_items: int, after: Float32s, before: Float32s) -> Float32s:
    """Sum kernels of the distance over all pairs of places of a history, dense float32 [len(items), n_items].

    Row of item i, column j: Σ `after[d]` over the places of j that come d after a place of i, and Σ `before[d]` over
    those that come d before it.

    Args:
        sequences: The histories in the order of time.
        items: The items of the rows.
        n_items: How many items there are.
        after: float32 [reach + 1], the weight by distance; of distance 0, and beyond its end, nothing counts.
        before: float32 [reach + 1], likewise.
    """
    rows = np.zeros((len(items), n_items), dtype=np.float32)
    add_following(rows, sequences, items, after, before)
    return rows


def add_following(rows: Float32s, sequences: Sequences, items: range, after: Float32s, before: Float32s) -> None:
    """Add to rows what `following` sums over these histories, in their order."""
    parts = sequences.items, sequences.bounds, sequences.starts, sequences.places
    each_block(lambda block: _add_followers(rows, block, items.start, parts, (after, before)), len(items))


def past_gram(sequences: Sequences, items: range, n_items: int, fading: float, reach: int) -> Float32s:
    """Compute rows of AᵀA of the faded pasts A of all places but the first, dense float32 [len(items), n_items].

    Row t of A holds fading^(t − 1 − s) at the item of each earlier place s of the same history.

    Args:
        sequences: The histories in the order of time.
        items: The items of the rows.
        n_items: How many items there are.
        fading: What is left of an item's weight one place later, below 1.
        reach: Distance beyond which two items of one past do not count.
    """
    rows = np.zeros((len(items), n_items), dtype=np.float32)
    parts = sequences.items, sequences.bounds, sequences.starts, sequences.places
    powers = (np.float64(fading) ** np.arange(reach + 1)).astype(np.float32)
    each_block(lambda block: _add_pasts(rows, block, items.start, parts, powers), len(items))
    return rows


def next_weights(fading: float, reach: int, horizon: int, fading_ahead: float) -> Float32s:
    """Compute what two places at each distance add to AᵀF, float32 [reach + 1].

    Row t of F holds fading_ahead^(r − t) at the item of each place r of the `horizon` ones from t on.
    """
    ahead = np.arange(horizon)
    distances = np.arange(reach + 1)[:, None]
    terms = np.float64(fading_ahead) ** ahead * np.float64(fading) ** np.maximum(distances - 1 - ahead, 0)
    sums: Float32s = np.where(ahead < distances, terms, 0).sum(axis=1).astype(np.float32)
    return sums


@njit(nogil=True, cache=True)
def _add_followers(rows, block, first_item, sequences, weights):
    items, bounds, starts, places = sequences
    after, before = weights
    for number in block:
        row, item = rows[number], first_item + number
        for entry in range(starts[item], starts[item + 1]):
            own = places[entry]
            for place in range(own + 1, min(bounds[own, 1], own + len(after))):
                row[items[place]] += after[place - own]
            for place in range(max(bounds[own, 0], own - len(before) + 1), own):
                row[items[place]] += before[own - place]


@njit(nogil=True, cache=True)
def _add_pasts(rows, block, first_item, sequences, powers):
    """Add fading^|s − r| · Σ_k fading^(2k) over the places after both, of which each holds them in its past."""
    items, bounds, starts, places = sequences
    squared = powers[1] * powers[1]
    for number in block:
        row, item = rows[number], first_item + number
        for entry in range(starts[item], starts[item + 1]):
            own = places[entry]
            first, last = max(bounds[own, 0], own - len(powers) + 1), min(bounds[own, 1], own + len(powers))
            for place in range(first, last):
                later = bounds[own, 1] - 1 - max(own, place)
                if later > 0:
                    row[items[place]] += powers[abs(place - own)] * (1 - squared**later) / (1 - squared)
