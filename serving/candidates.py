"""Candidates of a list that differs from the published one: after new events, under rules, at another α."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl
from numba import njit
from propcache.api import cached_property

from nightschool.columns import ITEM_ID
from nightschool.contract import POOL_SIZE, Float32s, Indices, Mask
from nightschool.histories import Histories
from nightschool.ranking.best import find_best, scratch
from nightschool.ranking.rules import keep_order
from nightschool.vocabulary import CO_OCCURRENCE, CONTENT
from serving.snapshot import Snapshot
from serving.user_state import UserState, as_histories

# numba compiles the kernels by the types of their arguments, which annotations would not change.
# mypy: disable-error-code="no-untyped-def"

NO_ITEMS: Final[Indices] = np.empty(0, dtype=np.int32)
"""The positions of no items."""

_NO_POOL: Final = pl.DataFrame(schema=[ITEM_ID])


@dataclass(frozen=True, eq=False)
class Candidates:
    """Items that a list may hold, best first.

    Attributes:
        items: int32 [n], positions in the catalogue.
        scores: float32 [n], descending.
        parts: Component to what it adds to each score, float32 [n].
    """

    items: Indices
    scores: Float32s
    parts: Mapping[str, Float32s]


class Scorer:
    """Scores of one user by component, as a night computes them: z-scores over the unseen items.

    A component that publishes its item weights or its network can score any history. For the others only the published
    scores of the pool are known; an item outside the pool gets the lowest score in it.
    """

    def __init__(self, snapshot: Snapshot, user: UserState, asked: Indices = NO_ITEMS) -> None:
        """Prepare to score.

        Args:
            snapshot: The release.
            user: The history.
            asked: int32 [n], positions of items that are candidates in any case.
        """
        self._snapshot = snapshot
        self._asked = asked
        self._user = user
        self._unseen: Mask = user.unseen(len(snapshot.catalogue)) & snapshot.available
        self._shares = {name: component.weight for name, component in snapshot.components.items()}

    def by_recipe(self) -> Candidates | None:
        """Return the pool in the published order, adjusted for events since; None for a user without a pool.

        The order may be a reranker's. It moves by as much as the events change the scores of the recipe's components.
        An item that is only asked for has the recipe's score.
        """
        if self._pool.is_empty():
            return None
        before = {name: self._published(name) for name in self._shares}
        after = {name: self._folded(name) if self._moves(name) else score for name, score in before.items()}
        items = self._union(after.values())
        was = _total(self._shares, before, items)
        places = {item: place for place, item in enumerate(items.tolist())}
        ordered = keep_order(was, [places[item] for item in self._listed if item in places])
        return self._ordered(items, self._shares, after, moved=ordered - was)

    def by_events(self) -> Candidates | None:
        """Score the whole catalogue from a user's history by weights and networks; None where neither applies.

        A user without events since the release keeps the audience's list. Where no component of the recipe has
        either, co-occurrence or content weights are used.
        """
        if not self._user.sent:
            return None
        shares = {name: share for name, share in self._shares.items() if self._weighs(name) and share > 0}
        for stand_in in (CO_OCCURRENCE, CONTENT):
            shares = shares or ({stand_in: 1.0} if self._weighs(stand_in) else {})
        scores = {name: self._folded(name) for name in shares}
        if not any(score.any() for score in scores.values()):
            return None
        return self._ordered(self._union(scores.values()), shares, scores)

    def by_alpha(self, alpha: float) -> Candidates | None:
        """Order the candidates by α · collaborative + (1 − α) · content; None for a user without a history.

        The collaborative side is all of the recipe but content: in a hybrid the night's own scores, else the
        standardised blend. A reranker's order is ignored.
        """
        names = [name for name in self._shares if name != CONTENT and (self._weighs(name) or not self._pool.is_empty())]
        if not self._user.current or not names:
            return None
        scores = {name: self._folded(name) if self._weighs(name) else self._published(name) for name in names}
        if self._snapshot.recipe.alpha is None:
            scores = {"blend": _standardised(_total(self._shares, scores, slice(None)), self._unseen)}
        shares = {**dict.fromkeys(scores, alpha), CONTENT: 1 - alpha}
        scores = {**scores, CONTENT: self._folded(CONTENT)}
        return self._ordered(self._union(scores.values()), shares, scores)

    def by_models(self, models: Sequence[str]) -> Candidates | None:
        """Order the candidates by some of the models, in the recipe's proportions; None where they can rank nothing.

        A reranker's order is ignored. Models that only publish weights to explain lists can rank too.
        """
        asked = {
            name: component.weight for name, component in self._snapshot.components.items() if component.model in models
        }
        shares = asked | {name: 1.0 for name in models if name not in asked and name in self._snapshot.weights}
        shares = {name: share for name, share in shares.items() if self._ranks(name)}
        if not shares:
            return None
        scores = {name: self._folded(name) if self._weighs(name) else self._published(name) for name in shares}
        if not any(score.any() for score in scores.values()):
            return None
        return self._ordered(self._union(scores.values()), shares, scores)

    def by_history(self, items: Indices) -> Candidates | None:
        """Order the given items that have a positive weight to the history, best first; None where there are none."""
        weighing = self._snapshot.weights
        shares = {name: share for name, share in self._shares.items() if name in weighing and share > 0}
        if not shares:
            shares = {name: 1.0 for name in (CO_OCCURRENCE, CONTENT) if self._weighs(name)}
        raw = {name: self._sums(name, self._user.histories(len(self._unseen))) for name in shares}
        weighted = [item for item in items.tolist() if any(score[item] > 0 for score in raw.values())]
        if not weighted:
            return None
        scores = {name: _standardised(score, self._unseen) for name, score in raw.items()}
        near = np.array(weighted, dtype=np.int32)
        return self._ordered(near, shares, scores)

    @cached_property
    def _pool(self) -> pl.DataFrame:
        """Return the published candidates: item_id and a column a component; no rows for a user without any."""
        whose = self._user.user_id if self._user.known else None
        found = None if whose is None else self._snapshot.pools.of(whose)
        return _NO_POOL if found is None else found

    @cached_property
    def _listed(self) -> list[int]:
        columns = self._snapshot.lists.columns_of(self._user.user_id)
        return self._snapshot.catalogue.positions(columns[ITEM_ID]).tolist() if columns else []

    def _weighs(self, name: str) -> bool:
        return name in self._snapshot.scorers

    def _ranks(self, name: str) -> bool:
        """Return whether a component knows scores of this user."""
        return bool(self._user.current) if self._weighs(name) else not self._pool.is_empty()

    def _moves(self, name: str) -> bool:
        return bool(self._user.sent) and self._weighs(name)

    def _published(self, name: str) -> Float32s:
        """Score the history as the release knew it, float32 [n_items]."""
        if self._weighs(name):
            return _standardised(self._sums(name, self._before), self._unseen_then)
        published = self._pool[name].to_numpy()
        scores = np.full(len(self._snapshot.catalogue), published.min(initial=0), dtype=np.float32)
        scores[self._pool_items] = published
        return scores

    def _folded(self, name: str) -> Float32s:
        """Score the whole history, events since included, float32 [n_items]."""
        return _standardised(self._sums(name, self._user.histories(len(self._unseen))), self._unseen)

    @property
    def _unseen_then(self) -> Mask:
        """Return the items unseen when the release was made, over which the night took its z-scores."""
        then = np.ones(len(self._snapshot.catalogue), dtype=bool)
        then[list(self._user.published)] = False
        return then & self._snapshot.available

    @cached_property
    def _before(self) -> Histories:
        return as_histories(self._user.published, len(self._unseen))

    def _sums(self, name: str, histories: Histories) -> Float32s:
        """Score a history by one component, float32 [n_items]."""
        scores: Float32s = self._snapshot.scorers[name].score(histories)[0]
        return scores

    @cached_property
    def _pool_items(self) -> Indices:
        return NO_ITEMS if self._pool is _NO_POOL else self._snapshot.catalogue.positions(self._pool[ITEM_ID])

    def _union(self, scores: Iterable[Float32s]) -> Indices:
        """Join the pool, the best unseen items by each of the scores and what was asked for, int32 [n] ascending."""
        joined = np.zeros(len(self._unseen), dtype=bool)
        for score in scores:
            _mark_best(score, self._unseen, POOL_SIZE, joined)
        joined[self._pool_items] |= self._unseen[self._pool_items]
        joined[self._asked] = True
        return np.flatnonzero(joined).astype(np.int32)

    def _ordered(
        self,
        items: Indices,
        shares: Mapping[str, float],
        scores: Mapping[str, Float32s],
        moved: Float32s | float = 0.0,
    ) -> Candidates:
        """Order items by the sum of their scores by share, and by how far each is moved from it."""
        totals = _total(shares, scores, items) + moved
        order = np.argsort(-totals, kind="stable")
        items = items[order]
        contributing = [name for name in scores if shares[name] > 0]
        parts = {name: np.float32(shares[name]) * scores[name][items] for name in contributing}
        return Candidates(items, totals[order], parts)


def _total(shares: Mapping[str, float], scores: Mapping[str, Float32s], items: Indices | slice) -> Float32s:
    """Sum the scores of some items by share, float32 [n]."""
    first, *others = scores
    total: Float32s = np.float32(shares[first]) * scores[first][items]
    for name in others:
        total += np.float32(shares[name]) * scores[name][items]
    return total


def _standardised(scores: Float32s, unseen: Mask) -> Float32s:
    """Standardise scores over the unseen items, float32 [n_items]; zeros where all of them are equal."""
    standard: Float32s = _z_scores(scores, unseen)
    return standard


@njit(nogil=True, cache=True)
def _mark_best(scores, unseen, size, joined):
    """Set `joined` at the best unseen items; ties go to the lowest index."""
    left = np.where(unseen, scores, np.float32(-np.inf))
    maxima, found = scratch(len(left), size)
    for place in range(find_best(left, size, maxima, found)):
        joined[found[place]] = True


@njit(nogil=True, cache=True, fastmath={"reassoc", "nsz", "contract"})
def _z_scores(scores, unseen):
    n, total, squares = 0, 0.0, 0.0
    for item in range(len(scores)):
        n += unseen[item]
        total += scores[item] if unseen[item] else 0.0
    mean = total / max(n, 1)
    for item in range(len(scores)):
        distance = scores[item] - mean if unseen[item] else 0.0
        squares += distance * distance
    deviation = math.sqrt(squares / max(n, 1))
    standard = np.zeros(len(scores), dtype=np.float32)
    if deviation > 1e-6 * abs(mean):
        for item in range(len(scores)):
            standard[item] = (scores[item] - mean) / deviation
    return standard
