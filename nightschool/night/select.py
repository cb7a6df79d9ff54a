"""Choosing on validation: models, hyper-parameters and α, which together are tonight's recipe."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from nightschool.contract import Component, Recipe, Recommender, Split
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
        """The figure that decides; below all others where nobody could be evaluated."""
        return float(np.nan_to_num(evaluation.mean("ndcg", self.decisive_k), nan=-np.inf))


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
    pair = _hybrid_pair(candidates, search)
    sweep = _sweep(pair, split, search) if pair else {}
    hybrid = {alpha: _blend_recipe(pair[0].component, pair[1].component, alpha) for alpha in sweep} if pair else {}
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


def _hybrid_pair(candidates: Sequence[Candidate], search: Search) -> tuple[Candidate, Candidate] | None:
    """The best collaborative candidate and content; None where one of them could not be trained."""
    content = next((c for c in candidates if c.component.model == CONTENT), None)
    collaborative = [c for c in candidates if c.component.model not in {CONTENT, POPULARITY}]
    if content is None or not collaborative:
        return None
    return max(collaborative, key=lambda candidate: search.decisive(candidate.evaluation)), content


def _blend_recipe(collaborative: Component, content: Component, alpha: float) -> Recipe:
    """At either end of the sweep the one component alone, which ranks alike and explains itself."""
    if alpha in (0.0, 1.0):
        return Recipe(components=(collaborative if alpha else content,))
    shares = ((collaborative, alpha), (content, round(1 - alpha, 4)))
    return Recipe(components=tuple(c.model_copy(update={"weight": share}) for c, share in shares), alpha=alpha)


def _sweep(pair: tuple[Candidate, Candidate], split: Split, search: Search) -> dict[float, Evaluation]:
    """Every α evaluated from one scoring of each component; a block of users is scored once for all α."""
    scorers = [candidate.recommender.score for candidate in pair]
    users = relevant_users(split)
    history, k = split.fitted.history(), max(search.cutoffs)
    size = block_users(split.fitted.n_items, search.megabytes, components=len(scorers) + 1)
    ranked: dict[float, list[Ranking]] = {alpha: [] for alpha in search.alphas}
    starts = range(0, max(len(users), 1), size)
    for start in watch(starts, "α sweep", len(starts)):
        block = users[start : start + size]
        scores, pool = component_scores(scorers, block, history[block], split.fitted.available)
        for alpha, lists in ranked.items():
            weights = np.array([alpha, 1 - alpha], dtype=np.float32)
            lists.append(top_k(blend(scores, weights, pool), k))
    return {
        alpha: evaluate_ranking(_joined(lists), users, split, cutoffs=search.cutoffs) for alpha, lists in ranked.items()
    }


def _joined(lists: Sequence[Ranking]) -> Ranking:
    return Ranking(np.concatenate([part.items for part in lists]), np.concatenate([part.scores for part in lists]))
