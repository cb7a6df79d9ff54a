"""Held-out choices ranked in their own context: a recipe's scores with the lifts of contexts added."""

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
import polars as pl

from nightschool.columns import ITEM_INDEX, SCORE, TIMESTAMP, USER_INDEX
from nightschool.contract import Blended, Dataset, Float32s, Indices, Mask
from nightschool.data.contexts import context_values, encode, known_values
from nightschool.data.labels import one_hot
from nightschool.evaluation.metrics import Float64s
from nightschool.ranking.blocks import block_users, in_blocks
from nightschool.ranking.context_lifts import Choices, ContextCounts, find_places, gains_in_context

K: Final = 10


class Setting(NamedTuple):
    """How a context changes scores: the strength of the shrinkage of its lifts, and their weight."""

    strength: float
    weight: float


class ContextData:
    """The contexts of a dataset's choices: their values, and counts by item."""

    def __init__(self, dataset: Dataset, declared: Sequence[str], zone: str) -> None:
        needed = (USER_INDEX, ITEM_INDEX, TIMESTAMP, *declared)
        chosen = dataset.pairs.lazy().filter(pl.col(SCORE) > 0).select(needed).collect()
        self.dataset = dataset
        self._declared, self._zone = declared, zone
        self._labels = [one_hot(dataset.items, [name]) for name in dataset.item_columns.names]
        self._users, self._items = (chosen[name].to_numpy() for name in (USER_INDEX, ITEM_INDEX))
        self._counts: dict[tuple[str, tuple[str, ...]], ContextCounts] = {}
        self._given = context_values(chosen, declared, zone)
        self.values = {name: tuple(known_values(values, self._users)) for name, values in self._given.items()}
        self.popularity = np.bincount(self._items, minlength=dataset.n_items) / max(len(self._items), 1)

    def counts(self, name: str, known: Sequence[str] | None = None) -> ContextCounts:
        """Count the choices in each value of a context; in the known values of this dataset, or in given ones."""
        known = self.values[name] if known is None else tuple(known)
        if (name, known) not in self._counts:
            choices = Choices(self._users, self._items, encode(self._given[name], known))
            self._counts[name, known] = ContextCounts.of(choices, self.dataset.n_items, len(known), self._labels)
        return self._counts[name, known]

    def codes(self, pairs: pl.DataFrame, names: Sequence[str]) -> dict[str, Indices]:
        """Return the known value of each of some other pairs by context, int32 [n_pairs]; -1 where there is none."""
        given = context_values(pairs, self._declared, self._zone)
        nothing = np.full(pairs.height, -1, dtype=np.int32)
        return {name: encode(given[name], self.values[name]) if name in given else nothing for name in names}


class ContextEvaluator:
    """Ranks held-out choices by a fitted recipe with the lifts of contexts added to its scores."""

    def __init__(
        self, recommender: Blended, data: ContextData, held_out: pl.DataFrame, names: Sequence[str], megabytes: int
    ) -> None:
        """Rank the candidates of everyone who has choices and a history.

        Args:
            recommender: Fitted on the dataset of the counts.
            data: Contexts of that dataset.
            held_out: The choices to rank.
            names: The contexts to rank them with.
            megabytes: Memory that a dense block of scores may take.
        """
        known = ~data.dataset.cold_users
        held_out = held_out.filter(pl.Series(known[held_out[USER_INDEX].to_numpy()]))
        self._users, rows = np.unique(held_out[USER_INDEX].to_numpy(), return_inverse=True)
        self._rows = rows.astype(np.int32)
        self.codes = data.codes(held_out, names)
        self._counts = {name: data.counts(name) for name in names}
        self._lifts: dict[tuple[str, float], Float32s] = {}
        self._ranked = _scores(recommender, self._users.astype(np.int32), data.dataset.n_items, megabytes)
        self._places = find_places(self._ranked[1], self._rows, held_out[ITEM_INDEX].to_numpy())
        self._n_items = data.dataset.n_items
        self.scale = float(sum(abs(component.weight) for component in recommender.recipe.components))

    @property
    def n_users(self) -> int:
        """Number of users with choices."""
        return len(self._users)

    def ndcg(
        self, settings: Mapping[str, Setting], of_users: Mask, codes: Mapping[str, Indices] | None = None
    ) -> Float64s:
        """Return the mean ndcg@10 of each of some users' choices, each in its own context, float64 [n].

        Args:
            settings: Context to its setting.
            of_users: bool [n_users], the users to rank.
            codes: The values of the choices' contexts; None: their own.
        """
        codes = self.codes if codes is None else codes
        stacked, added, n_rows = [], [np.empty((len(self._rows), 0), dtype=np.int32)], 0
        for name, setting in settings.items():
            lifts = self._lifts_of(name, setting.strength)
            stacked.append(np.float32(setting.weight * self.scale) * lifts)
            added.append(np.where(codes[name] < 0, -1, codes[name] + n_rows).astype(np.int32)[:, None])
            n_rows += len(lifts)
        lifts = np.concatenate([np.zeros((0, self._n_items), np.float32), *stacked])
        mine = of_users[self._rows]
        wanted = (self._rows[mine], self._places[mine], np.hstack(added)[mine])
        gains = gains_in_context(self._ranked, wanted, lifts, K)
        counts = np.bincount(self._rows[mine], minlength=self.n_users)[of_users]
        sums = np.bincount(self._rows[mine], weights=gains, minlength=self.n_users)[of_users]
        means: Float64s = sums / counts
        return means

    def _lifts_of(self, name: str, strength: float) -> Float32s:
        if (name, strength) not in self._lifts:
            self._lifts[name, strength] = self._counts[name].lifts(strength)
        return self._lifts[name, strength]


def _scores(recommender: Blended, users: Indices, n_items: int, megabytes: int) -> tuple[Float32s, Indices]:
    """Score the users' candidates, the highest first; equal scores are in the order of their items.

    Returns:
        Scores float32 [n, width], -inf where there is none, and their items int32 [n, width].
    """

    def score(block: Indices) -> tuple[Float32s, Indices]:
        pool = recommender.pool(block)
        scores = np.where(pool.items < 0, np.float32(-np.inf), recommender.combine(pool, block))
        items = np.where(np.isneginf(scores), np.int32(-1), pool.items)
        order = np.argsort(-scores, axis=1, kind="stable")
        return np.take_along_axis(scores, order, axis=1), np.take_along_axis(items, order, axis=1)

    size = block_users(n_items, megabytes, components=len(recommender.parts) + 1)
    parts = deque(in_blocks(score, users, size))
    shape = len(users), max(items.shape[1] for _, items in parts)
    scores, items = np.empty(shape, dtype=np.float32), np.empty(shape, dtype=np.int32)
    start = 0
    # Each part is freed once it is copied, so that no more than one copy of all is held.
    while parts:
        for joined, part, nothing in zip((scores, items), parts.popleft(), (-np.inf, -1), strict=True):
            rows, width = slice(start, start + len(part)), part.shape[1]
            joined[rows, :width], joined[rows, width:] = part, nothing
        start = rows.stop
    return scores, items
