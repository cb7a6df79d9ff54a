"""Random items in some slots of a list, with the exact chance of every item at its place."""

from collections.abc import Sequence
from math import comb
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nightschool.contract import Indices

Places = NDArray[np.int64]


class Pool(NamedTuple):
    """The items that may replace those of a list without breaking its quota, whichever are drawn.

    Attributes:
        size: How many items are drawn from: of each kind no more than the quota leaves.
        items: int32 [n], all items that may be among them.
        shares: float64 [n], the chance that an item is among them, divided by the size; they sum to 1.
        room: int64 [n], how many items of its kind are drawn from.
    """

    size: int
    items: Indices
    shares: NDArray[np.float64]
    room: Places


class Explored(NamedTuple):
    """What random slots show.

    Attributes:
        slots: int64 [m], places in the list, ascending.
        items: int32 [m], the item of each.
        propensities: float64 [m], the chance of each item at its place.
        kept: The chance of each other item of the list at its place.
    """

    slots: Places
    items: Indices
    propensities: NDArray[np.float64]
    kept: float


def pool_within_quota(items: Indices, kinds: Indices, listed: Indices, quota: int | None) -> Pool:
    """Return what may be drawn so that no kind exceeds the quota, whichever items of the list are replaced.

    Args:
        items: int32 [n], what may be shown besides the list.
        kinds: int32 [n_items], the kind of each item of the catalogue; -1 belongs to none.
        listed: int32 [k], the items of the list.
        quota: Items of one kind that a list may hold; None: any number.
    """
    if quota is None:
        return Pool(len(items), items, np.full(len(items), 1 / max(len(items), 1)), np.full(len(items), len(items)))
    own, n_kinds = kinds[items], int(kinds.max(initial=-1)) + 1
    of_kind, there = (np.bincount(some[some >= 0], minlength=n_kinds) for some in (own, kinds[listed]))
    left = np.minimum(of_kind, np.maximum(quota - there, 0))
    room = np.append(left, 1)[own]  # -1, of no kind, reads the last one
    chances = room / np.append(np.maximum(of_kind, 1), 1)[own]
    fits = chances > 0
    size = round(float(chances.sum()))
    return Pool(size, items[fits], chances[fits] / max(size, 1), room[fits])


def explore_slots(n_slots: int, pool: Pool, kinds: Indices, chance: float, rng: np.random.Generator) -> Explored:
    """Draw which slots show another item, and which: each slot with the chance, items without replacement.

    Where the pool is smaller than the list, fewer slots than were drawn may be filled; the chances know it.

    Args:
        n_slots: Length of the list.
        pool: What is drawn from.
        kinds: int32 [n_items], the kind of each item of the catalogue; -1 belongs to none.
        chance: Of each slot.
        rng: Draws slots and items.
    """
    drawn = np.flatnonzero(rng.random(n_slots) < chance)
    slots = np.sort(rng.permutation(drawn)[: pool.size])
    order = rng.permutation(len(pool.items))
    within = order[_nth_of_kind(kinds[pool.items[order]]) < pool.room[order]]
    places = rng.permutation(within)[: len(slots)]
    filled = _chance_of_a_slot(n_slots, pool.size, chance)
    return Explored(slots, pool.items[places], filled * pool.shares[places], 1 - filled)


def _nth_of_kind(kinds: Indices) -> Places:
    """Return the number of each item among those of its kind, from 0 in their order; 0 for those without a kind."""
    order = np.argsort(kinds, kind="stable")
    ordered = kinds[order]
    first = np.searchsorted(ordered, ordered)
    nth = np.empty(len(kinds), dtype=np.int64)
    nth[order] = np.arange(len(kinds)) - first
    nth[kinds < 0] = 0
    return nth


def _chance_of_a_slot(n_slots: int, n_items: int, chance: float) -> float:
    """Return the chance that a slot shows a drawn item, where no more slots than items can."""
    if n_items >= n_slots:
        return chance
    filled = (
        min(n, n_items) * comb(n_slots, n) * chance**n * (1 - chance) ** (n_slots - n) for n in range(n_slots + 1)
    )
    return sum(filled) / n_slots


def propensities_of(n_slots: int, explored: Explored) -> Sequence[float]:
    """Return the chance of each item of a list at its place."""
    found = np.full(n_slots, explored.kept)
    found[explored.slots] = explored.propensities
    chances: list[float] = found.tolist()
    return chances
