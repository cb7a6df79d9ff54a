"""Evaluation on validation cuts: recommenders, blends, and the settings of models."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from nightschool.contract import Indices, Mask, Pool, Recommender, Split
from nightschool.evaluation.evaluate import evaluate_ranking, relevant_users
from nightschool.evaluation.evaluation import Evaluation
from nightschool.evaluation.facts import relevant_pairs
from nightschool.evaluation.gains import Gains
from nightschool.evaluation.lists import find_hits
from nightschool.evaluation.metrics import Float64s, ndcg_at
from nightschool.night.selection.search import Search
from nightschool.progress import watch
from nightschool.ranking.blocks import block_users, in_blocks
from nightschool.ranking.candidates import blend, join_pools, pool_users, rank_pool
from nightschool.ranking.topk import rank_users
from nightschool.recipe import Component, Recipe

Create = Callable[[str, Mapping[str, Any]], Recommender]


@dataclass(frozen=True)
class Fitted:
    """A model with one setting, fitted on a validation cut.

    Attributes:
        component: The model and its setting.
        recommender: The fitted model.
        fit_seconds: Wall time of the fit.
    """

    component: Component
    recommender: Recommender
    fit_seconds: float

    @property
    def recipe(self) -> Recipe:
        """The recipe of this model alone."""
        return Recipe(components=(self.component,))


class UserValues(NamedTuple):
    """The metric that decides, by user: int32 [n] users, float64 [n] values."""

    users: Indices
    values: Float64s

    @property
    def mean(self) -> float:
        """Return the mean over users; minus infinity without any."""
        return float(self.values.mean()) if len(self.values) else float("-inf")


class ValidationEvaluator:
    """Evaluation of recommenders and blends on the users of a validation cut."""

    def __init__(self, split: Split, search: Search) -> None:
        self.split = split
        self.search = search
        users = relevant_users(split)
        self.users = users[sample_rows(len(users), search.max_users, search.seed)]
        self._history = split.fitted.history()
        self._relevant = relevant_pairs(split)

    def ndcg(self, recommender: Recommender) -> UserValues:
        """Return each user's ndcg of a recommender, at the k that decides."""
        k = self.search.decisive_k
        ranking = rank_users(
            recommender.score,
            self.users,
            history=self._history,
            available=self.split.fitted.available,
            k=k,
            block_users=block_users(self.split.fitted.n_items, self.search.megabytes),
        )
        hits = find_hits(ranking.items, self.users, self._relevant)
        return UserValues(self.users, ndcg_at(hits, np.diff(self._relevant.indptr)[self.users], k))

    def pool(self, recommenders: Sequence[Recommender], users: Indices | None = None) -> Pool:
        """Build the candidate pool of some validation users, None: of all; each recommender scores them once."""
        users = self.users if users is None else users
        scorers = [recommender.score for recommender in recommenders]
        available = self.split.fitted.available
        size = block_users(self.split.fitted.n_items, self.search.megabytes, components=len(scorers) + 1)
        blocks = in_blocks(lambda block: pool_users(scorers, block, self._history, available), users, size)
        return join_pools(list(watch(blocks, "validation", -(-max(len(users), 1) // size))))

    def gains(self, pool: Pool, users: Indices) -> Gains:
        """Find the gains of the pool's users, each of whom has a relevant held-out pair."""
        return Gains.of(pool, users, self._relevant, self.search.decisive_k)

    def evaluate(self, pool: Pool, weights: Sequence[float]) -> Evaluation:
        """Evaluate the blend with one weight for each recommender of the pool."""
        blended = blend(pool, np.array(weights, dtype=np.float32))
        ranking, _ = rank_pool(pool, blended, max(self.search.cutoffs))
        return evaluate_ranking(ranking, self.users, self.split, cutoffs=self.search.cutoffs)

    def fit(self, component: Component, create: Create) -> Fitted:
        """Fit a model with a setting to what the cut leaves to learn from."""
        started = time.perf_counter()
        recommender = create(component.model, component.params).fit(self.split.fitted, seed=self.search.seed)
        return Fitted(component, recommender, time.perf_counter() - started)


class Evaluators(Sequence[ValidationEvaluator]):
    """An evaluator for each validation cut, made when it is first asked for."""

    def __init__(self, cuts: Sequence[Split], search: Search) -> None:
        self._cuts = cuts
        self._search = search
        self._kept: dict[int, ValidationEvaluator] = {}

    def __len__(self) -> int:
        return len(self._cuts)

    def __getitem__(self, place: int) -> ValidationEvaluator:  # type: ignore[override]
        if place not in self._kept:
            self._kept[place] = ValidationEvaluator(self._cuts[place], self._search)
        return self._kept[place]


def sample_rows(n: int, at_most: int, seed: int) -> Mask:
    """Draw rows, bool [n]; all of them where there are no more than `at_most`."""
    rows = np.zeros(n, dtype=bool)
    rows[np.random.default_rng(seed).choice(n, min(n, at_most), replace=False)] = True
    return rows
