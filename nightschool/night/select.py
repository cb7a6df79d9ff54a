"""Choosing on validation: models, hyper-parameters and α, which together are tonight's recipe."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from nightschool.contract import Component, Indices, Recipe, Recommender, Split
from nightschool.errors import NightschoolError
from nightschool.evaluation.evaluate import evaluate, evaluate_ranking, relevant_users
from nightschool.evaluation.evaluation import Evaluation
from nightschool.progress import watch
from nightschool.ranking.blend import blend, component_scores
from nightschool.ranking.topk import Ranking, block_users, top_k

logger = logging.getLogger("nightschool.night")

POPULARITY = "popularity"
CONTENT = "content"

Create = Callable[[str, Mapping[str, Any]], Recommender]


@dataclass(frozen=True)
class Candidate:
    """A model with one setting, fitted on train and measured on validation."""

    component: Component
    recommender: Recommender
    evaluation: Evaluation
    fit_seconds: float

    @property
    def recipe(self) -> Recipe:
        """The candidate alone."""
        return Recipe(components=(self.component,))


@dataclass(frozen=True)
class Selection:
    """What validation chose.

    Attributes:
        recipe: The best of all single models and blends.
        candidates: The best setting of each model, in the order they were asked for.
        sweep: α to its evaluation; empty where the data support no hybrid.
        hybrid: α to the recipe of that α.
        failures: Model to the reason it was left out.
    """

    recipe: Recipe
    candidates: tuple[Candidate, ...]
    sweep: Mapping[float, Evaluation]
    hybrid: Mapping[float, Recipe]
    failures: Mapping[str, str]


@dataclass(frozen=True)
class Search:
    """What to try: settings by model, the α of the sweep, and what decides.

    Attributes:
        settings: Model to the hyper-parameters to try.
        alphas: The α of the sweep.
        cutoffs: The k of the metrics.
        seed: Seed of every fit.
        megabytes: Memory that a dense block of scores may take.
        decisive_k: Which ndcg decides.
    """

    settings: Mapping[str, Sequence[Mapping[str, Any]]]
    alphas: Sequence[float]
    cutoffs: tuple[int, ...]
    seed: int
    megabytes: int
    decisive_k: int = 10

    def decisive(self, evaluation: Evaluation) -> float:
        """The figure that decides."""
        return evaluation.mean("ndcg", self.decisive_k)


def select(split: Split, search: Search, create: Create) -> Selection:
    """The recipe with the highest validation ndcg@10 among all candidates and all α.

    Raises:
        NightschoolError: No candidate could be trained.
    """
    candidates: list[Candidate] = []
    failures: dict[str, str] = {}
    for model in search.settings:
        try:
            candidates.append(_best_setting(model, split, search, create))
        except NightschoolError as error:
            failures[model] = str(error)
            logger.warning("%s is left out tonight: %s", model, error)
        except Exception as error:
            failures[model] = f"{type(error).__name__}: {error}"
            logger.exception("%s is left out tonight", model)
    if not candidates:
        raise NightschoolError("no candidate could be trained", seen=failures, do="correct the data or the models")
    hybrid = _hybrid_recipes(candidates, search)
    sweep = _sweep(split, candidates, hybrid, search) if hybrid else {}
    scored = [(search.decisive(c.evaluation), c.recipe) for c in candidates]
    scored += [(search.decisive(sweep[alpha]), recipe) for alpha, recipe in hybrid.items()]
    best = max(scored, key=lambda pair: pair[0])[1]
    return Selection(best, tuple(candidates), sweep, hybrid, failures)


def _best_setting(model: str, split: Split, search: Search, create: Create) -> Candidate:
    tried = []
    for params in search.settings[model]:
        started = time.perf_counter()
        recommender = create(model, params).fit(split.fitted, seed=search.seed)
        seconds = time.perf_counter() - started
        evaluation = evaluate(recommender, split, cutoffs=search.cutoffs, megabytes=search.megabytes)
        tried.append(Candidate(Component(model=model, params=params), recommender, evaluation, seconds))
    return max(tried, key=lambda candidate: search.decisive(candidate.evaluation))


def _hybrid_recipes(candidates: Sequence[Candidate], search: Search) -> dict[float, Recipe]:
    """α to recipe: the best collaborative component and content, where both could be trained."""
    content = next((c for c in candidates if c.component.model == CONTENT), None)
    collaborative = [c for c in candidates if c.component.model not in {CONTENT, POPULARITY}]
    if content is None or not collaborative:
        return {}
    best = max(collaborative, key=lambda candidate: search.decisive(candidate.evaluation))
    return {
        alpha: Recipe(
            components=(
                best.component.model_copy(update={"weight": alpha}),
                content.component.model_copy(update={"weight": round(1 - alpha, 4)}),
            ),
            alpha=alpha,
        )
        for alpha in search.alphas
    }


def _sweep(
    split: Split, candidates: Sequence[Candidate], hybrid: Mapping[float, Recipe], search: Search
) -> dict[float, Evaluation]:
    """Every α evaluated from one scoring of each component."""
    fitted = {candidate.component.model: candidate.recommender for candidate in candidates}
    parts = [fitted[component.model] for component in next(iter(hybrid.values())).components]
    users = relevant_users(split)
    weights = {alpha: [component.weight for component in recipe.components] for alpha, recipe in hybrid.items()}
    lists = rank_blends(parts, users, split, weights, search)
    return {alpha: evaluate_ranking(lists[alpha], users, split, cutoffs=search.cutoffs) for alpha in hybrid}


def rank_blends(
    parts: Sequence[Recommender],
    users: Indices,
    split: Split,
    weights: Mapping[float, Sequence[float]],
    search: Search,
) -> dict[float, Ranking]:
    """Top lists by α, [n_users, largest cutoff]; each block of users is scored once for all α."""
    history = split.fitted.scores()
    k = max(search.cutoffs)
    size = block_users(split.fitted.n_items, search.megabytes, components=len(parts) + 1)
    lists: dict[float, list[Ranking]] = {alpha: [] for alpha in weights}
    starts = range(0, len(users), size)
    for start in watch(starts, "α sweep", len(starts)):
        block = users[start : start + size]
        scores, pool = component_scores([part.score for part in parts], block, history[block], split.fitted.available)
        for alpha, shares in weights.items():
            lists[alpha].append(top_k(blend(scores, np.asarray(shares, dtype=np.float32), pool), k))
    return {
        alpha: Ranking(np.concatenate([r.items for r in ranked]), np.concatenate([r.scores for r in ranked]))
        for alpha, ranked in lists.items()
    }
