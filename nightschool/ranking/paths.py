"""Learning paths: the items to complete, in order, between what a user has completed and a goal."""

from dataclasses import dataclass
from functools import cached_property
from typing import Final, NamedTuple

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from nightschool.contract import Float32s, Indices, Mask
from nightschool.ranking.cycles import cyclic_components

UNAVAILABLE: Final = "unavailable"
PREREQUISITE_UNAVAILABLE: Final = "prerequisite_unavailable"
PREREQUISITE_CYCLE: Final = "prerequisite_cycle"
LEVEL_GAP: Final = "level_gap"

_MOST_BUILDERS: Final = 50
"""Items that build a skill of which a path is planned; those with the fewest steps."""

_NO_EDGE_IS_FREE: Final = 1e-6
"""Added to the length of each transition: a share of 1 would otherwise be an edge of length 0, which is none."""


class Block(NamedTuple):
    """Why a goal cannot be reached: one of the codes above, and the item that it is about."""

    reason: str
    item: int


@dataclass(frozen=True, eq=False)
class Curriculum:
    """What paths are planned over.

    Attributes:
        requires: CSR bool [n_items, n_items], the declared prerequisites of each item.
        levels: int32 [n_items], levels of difficulty from 0; -1 without one.
        available: bool [n_items], the items that can still be taken.
        follows: CSR float32 [n_items, n_items], the share of those who took the row's item and took the column's next.
        skills: CSR bool [n_items, n_skills], what each item builds.
    """

    requires: csr_array
    levels: Indices
    available: Mask
    follows: csr_array
    skills: csr_array

    @cached_property
    def ranks(self) -> Indices:
        """Return the levels counted over those that available items have, int32 [n_items]; -1 without or below them."""
        occupied = np.unique(self.levels[self.available & (self.levels >= 0)])
        ranks: Indices = (np.searchsorted(occupied, self.levels, side="right") - 1).astype(np.int32)
        return ranks

    @cached_property
    def cyclic(self) -> Mask:
        """Return the items whose prerequisites lead back to them, bool [n_items]."""
        mask: Mask = cyclic_components(self.requires) >= 0
        return mask

    def direct(self, item: int) -> list[int]:
        """Return the declared prerequisites of an item."""
        row: list[int] = self.requires.indices[self.requires.indptr[item] : self.requires.indptr[item + 1]].tolist()
        return row

    def unmet(self, item: int, done: Mask) -> set[int]:
        """Return the item and all that must come before it: prerequisites, and theirs, that are not done."""
        found, open_ = {item}, [item]
        while open_:
            new = [each for each in self.direct(open_.pop()) if not done[each] and each not in found]
            found.update(new)
            open_ += new
        return found

    def shares_from(self, items: Indices) -> Float32s:
        """Return the largest share of each item to be taken next after one of these, float32 [n_items]."""
        if not len(items):
            return np.zeros(len(self.levels), dtype=np.float32)
        shares: Float32s = self.follows[items].max(axis=0).toarray().ravel()
        return shares

    def met(self, done: Mask) -> Mask:
        """Return the items of which every declared prerequisite is done, bool [n_items]."""
        mask: Mask = self.requires @ (~done).astype(np.int32) == 0
        return mask


def path_to_item(curriculum: Curriculum, done: Mask, goal: int) -> list[int] | Block:
    """Return the items of a path to an item, which is the last one, or why there is none.

    Every prerequisite that is not done comes before what needs it, and no item lies more than one level above the
    highest one before it, or done. Levels that would be skipped are bridged by the items that need fewest others.
    Where the goal declares no prerequisites and nobody was seen to take it next, the likeliest chain of transitions
    from what is done leads to it.

    Args:
        curriculum: Prerequisites, levels, transitions and skills.
        done: bool [n_items], the items that the user has completed.
        goal: An item that is not done.
    """
    if not curriculum.direct(goal) and curriculum.available[goal]:
        chain = _likeliest_chain(curriculum, done, goal)
        if chain:
            return chain
    return required_path(curriculum, done, goal)


def path_to_skill(curriculum: Curriculum, done: Mask, skill: int) -> list[int] | Block:
    """Return the shortest path to an item that builds a skill, or why there is none; of equals the likeliest next.

    Args:
        curriculum: Prerequisites, levels, transitions and skills.
        done: bool [n_items], the items that the user has completed.
        skill: A column of the skills, which no item that is done builds.
    """
    builders = curriculum.skills[:, [skill]].nonzero()[0].tolist()
    shares = curriculum.shares_from(places(done))
    least = {item: _least_steps(curriculum, curriculum.unmet(item, done), done, item) for item in builders}
    best: list[int] = []
    block = Block(UNAVAILABLE, -1)
    for item in sorted(builders, key=lambda item: (least[item], -shares[item], item))[:_MOST_BUILDERS]:
        if best and least[item] >= len(best):
            break
        found = required_path(curriculum, done, item)
        if isinstance(found, Block):
            block = found if block.item < 0 else block
        elif not best or len(found) < len(best):
            best = found
    return best or block


def required_path(curriculum: Curriculum, done: Mask, goal: int) -> list[int] | Block:
    """Return the items that declared prerequisites and levels ask for, the goal last, or why there is no such path."""
    left = curriculum.unmet(goal, done)
    if not curriculum.available[goal]:
        return Block(UNAVAILABLE, goal)
    if gone := sorted(item for item in left if not curriculum.available[item]):
        return Block(PREREQUISITE_UNAVAILABLE, gone[0])
    ranks, done = curriculum.ranks, done.copy()
    shares = curriculum.shares_from(places(done))
    steps: list[int] = []
    waiting = _Waiting(curriculum, left, done)
    while goal in left:
        if not waiting.ready:
            return Block(PREREQUISITE_CYCLE, min(item for item in left if curriculum.cyclic[item]))
        step = min(waiting.ready, key=lambda item: (ranks[item], -shares[item], item))
        if ranks[step] > _reached(ranks, done) + 1:
            bridge = _bridge(curriculum, left, done, step)
            if bridge is None:
                return Block(LEVEL_GAP, step)
            waiting.add(curriculum.unmet(bridge, done) - left, done)
            left |= curriculum.unmet(bridge, done)
            continue
        steps.append(step)
        left.remove(step)
        done[step] = True
        waiting.complete(step)
        shares = np.maximum(shares, curriculum.shares_from(np.array([step], dtype=np.int32)))
    return steps


class _Waiting:
    """Items that wait for prerequisites, and those that are ready, kept up to date step by step."""

    def __init__(self, curriculum: Curriculum, items: set[int], done: Mask) -> None:
        self.ready: set[int] = set()
        self._curriculum = curriculum
        self._lacking: dict[int, int] = {}
        self._needed_by: dict[int, list[int]] = {}
        self.add(items, done)

    def add(self, items: set[int], done: Mask) -> None:
        """Add items whose prerequisites are not all done."""
        for item in items:
            lacking = [each for each in self._curriculum.direct(item) if not done[each]]
            self._lacking[item] = len(lacking)
            for each in lacking:
                self._needed_by.setdefault(each, []).append(item)
            if not lacking:
                self.ready.add(item)

    def complete(self, item: int) -> None:
        """Remove an item that is done, and find what is ready now."""
        self.ready.discard(item)
        for each in self._needed_by.pop(item, ()):
            self._lacking[each] -= 1
            if not self._lacking[each]:
                self.ready.add(each)


def _bridge(curriculum: Curriculum, left: set[int], done: Mask, target: int) -> int | None:
    """Return an item one level below the target, to be completed before it; None where no item can be.

    Those that transitions or skills relate to the target come first; of these, those that need fewest other items.
    """
    ranks = curriculum.ranks
    rank = ranks[target] - 1
    usable = curriculum.available & ~curriculum.cyclic & (ranks <= rank)
    shares = curriculum.shares_from(places(done)) + curriculum.follows[:, [target]].toarray().ravel()
    common = (curriculum.skills.astype(np.int32) @ curriculum.skills[[target]].astype(np.int32).T).toarray().ravel()
    best: tuple[bool, int, float, int, int] | None = None
    for item in np.flatnonzero((ranks == rank) & usable & ~done).tolist():
        needed = curriculum.unmet(item, done)
        if all(usable[each] for each in needed):
            unrelated = not (shares[item] > 0 or common[item] > 0)
            steps = _least_steps(curriculum, needed | left, done, item) - len(left)
            key = (unrelated, steps, -float(shares[item]), -int(common[item]), item)
            best = key if best is None else min(best, key)
    return None if best is None else best[-1]


def _least_steps(curriculum: Curriculum, needed: set[int], done: Mask, last: int) -> int:
    """Return the fewest steps of the items: themselves, and one for each lower level that none of them has."""
    ranks = curriculum.ranks
    levels = {int(ranks[each]) for each in needed}
    return len(needed) + sum(rank not in levels for rank in range(_reached(ranks, done) + 1, int(ranks[last])))


def _reached(ranks: Indices, done: Mask) -> int:
    return int(ranks[done].max(initial=-1))


def _likeliest_chain(curriculum: Curriculum, done: Mask, goal: int) -> list[int]:
    """Return the items of the likeliest chain of transitions from what is done to the goal; none where there is none.

    Its likelihood is the product of the shares; each item's prerequisites are done, and levels rise by at most one.
    None is needed where the goal itself is taken next.
    """
    shares = curriculum.follows.tocoo()
    ranks, reached = curriculum.ranks, _reached(curriculum.ranks, done)
    open_ = curriculum.available & curriculum.met(done) & ~done
    follows = (open_ | done)[shares.row] & open_[shares.col]
    follows &= ranks[shares.col] <= np.maximum(ranks[shares.row], reached) + 1
    starts = places(done)
    if np.any(follows & done[shares.row] & (shares.col == goal)) or not len(starts):
        return []
    lengths = _NO_EDGE_IS_FREE - np.log(np.clip(shares.data[follows].astype(np.float64), 1e-12, 1.0))
    graph = csr_array((lengths, (shares.row[follows], shares.col[follows])), shape=curriculum.follows.shape)
    far, before, _ = dijkstra(graph, indices=starts, min_only=True, return_predecessors=True)
    if not np.isfinite(far[goal]):
        return []
    chain = [goal]
    while not done[before[chain[-1]]]:
        chain.append(int(before[chain[-1]]))
    return chain[::-1]


def skills_of(curriculum: Curriculum, items: Mask) -> Mask:
    """Return the skills that any of the items builds, bool [n_skills].

    Args:
        curriculum: The skills of each item.
        items: bool [n_items].
    """
    mask: Mask = items.astype(np.int32) @ curriculum.skills.astype(np.int32) > 0
    return mask


def places(mask: Mask) -> Indices:
    """Return the items of a mask, int32 [n]."""
    return np.flatnonzero(mask).astype(np.int32)
