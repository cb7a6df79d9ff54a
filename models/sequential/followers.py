"""Sums over the histories of what follows what, by the distance in places."""

import numpy as np
from numba import njit

from models.autoencoders.item_gram import Sequences, each_block
from nightschool.contract import Float32s, Indices

# numba compiles these by the types of their arguments, which annotations would not change.
# mypy: disable-error-code="no-untyped-def"


def following(sequences: Sequences, n_items: int, after: Float32s, before: Float32s) -> Float32s:
    """Sum kernels of the distance over all pairs of places of a history, dense float32 [n_items, n_items].

    Row i, column j: Σ `after[d]` over the places of j that come d after a place of i, and Σ `before[d]` over those
    that come d before it.

    Args:
        sequences: The histories in the order of time.
        n_items: How many items there are.
        after: float32 [reach + 1], the weight by distance; of distance 0, and beyond its end, nothing counts.
        before: float32 [reach + 1], likewise.
    """
    return followers_of(np.arange(n_items, dtype=np.int32), sequences, n_items, after, before)


def followers_of(items: Indices, sequences: Sequences, n_items: int, after: Float32s, before: Float32s) -> Float32s:
    """Sum the same kernels over the pairs of places of some items, dense float32 [len(items), n_items]."""
    rows = np.zeros((len(items), n_items), dtype=np.float32)
    parts = sequences.items, sequences.bounds, sequences.starts, sequences.places
    each_block(lambda block: _add_followers(rows, block, items, parts, (after, before)), len(items))
    return rows


def past_gram(sequences: Sequences, n_items: int, fading: float, reach: int) -> Float32s:
    """Compute AᵀA of the faded pasts A of all places but the first, dense float32 [n_items, n_items], symmetric.

    Row t of A holds fading^(t − 1 − s) at the item of each earlier place s of the same history.

    Args:
        sequences: The histories in the order of time.
        n_items: How many items there are.
        fading: What is left of an item's weight one place later, below 1.
        reach: Distance beyond which two items of one past do not count.
    """
    gram = np.zeros((n_items, n_items), dtype=np.float32)
    parts = sequences.items, sequences.bounds, sequences.starts, sequences.places
    powers = (np.float64(fading) ** np.arange(reach + 1)).astype(np.float32)
    each_block(lambda block: _add_pasts(gram, block, parts, powers), n_items)
    return gram


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
def _add_followers(rows, block, wanted, sequences, kernels):
    items, bounds, starts, places = sequences
    after, before = kernels
    for index in block:
        item, row = wanted[index], rows[index]
        for entry in range(starts[item], starts[item + 1]):
            own = places[entry]
            for place in range(own + 1, min(bounds[own, 1], own + len(after))):
                row[items[place]] += after[place - own]
            for place in range(max(bounds[own, 0], own - len(before) + 1), own):
                row[items[place]] += before[own - place]


@njit(nogil=True, cache=True)
def _add_pasts(gram, block, sequences, powers):
    """Add fading^|s − r| · Σ_k fading^(2k) over the places after both, of which each holds them in its past."""
    items, bounds, starts, places = sequences
    squared = powers[1] * powers[1]
    for item in block:
        row = gram[item]
        for entry in range(starts[item], starts[item + 1]):
            own = places[entry]
            first, last = max(bounds[own, 0], own - len(powers) + 1), min(bounds[own, 1], own + len(powers))
            for place in range(first, last):
                later = bounds[own, 1] - 1 - max(own, place)
                if later > 0:
                    row[items[place]] += powers[abs(place - own)] * (1 - squared**later) / (1 - squared)
