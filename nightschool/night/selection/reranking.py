"""Reranking of the chosen recipe: each objective is tried, and the best is taken where it is ahead."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import polars as pl

from nightschool.columns import RELEVANT, SCORE
from nightschool.contract import Recommender, Split
from nightschool.errors import NightschoolError
from nightschool.evaluation.evaluate import evaluate
from nightschool.evaluation.pooled import Paired, pool_differences
from nightschool.night.selection.evaluators import ValidationEvaluator
from nightschool.night.selection.search import Search
from nightschool.night.selection.selection import Candidate, Selection
from nightschool.night.selection.trials import Trial
from nightschool.progress import watch
from nightschool.recipe import RERANKER, Component, Recipe

logger = logging.getLogger("nightschool.night")

OBJECTIVES: Sequence[Mapping[str, Any]] = (
    # A ranking objective overfits quickly; predicting whether a candidate is a hit supports deeper trees.
    {"objective": "lambdarank", "leaves": 3, "l2": 30.0},
    {"objective": "binary", "leaves": 31, "trees": 200, "feature_fraction": 0.5},
)
_CUTS = {
    "stratified-item": "item",
    "temporal": "time",
    "temporal-user": "last",
    "next-session": "last",
    "leave-last": "next",
    "leave-one-out": "next",
}

Build = Callable[[Recipe], Recommender]


def with_reranker(selection: Selection, cuts: Sequence[Split], search: Search, build: Build) -> Selection:
    """Add a reranker to the selected recipe where it is ahead of it by more than a standard error.

    It is tried over the learned blend, else over the chosen recipe, with each objective unless one is fixed. The better
    one is compared with the chosen recipe on the same validation users, over as many cuts as the search allows. The
    selection is returned unchanged where no reranker was asked for or no user can be evaluated.

    Args:
        selection: What was selected without it.
        cuts: The validation cuts, the night's own first.
        search: What is tried.
        build: Builds the recommender of a recipe.
    """
    if search.reranker is None or not selection.evaluation.n_users:
        return selection
    base = selection.recipe if selection.blend is None else selection.blend.recipe
    recipes = [base.model_copy(update={RERANKER: settings}) for settings in _settings(cuts[0], search)]
    evaluator = ValidationEvaluator(cuts[0], search)
    try:
        tried = [_try(recipe, evaluator, build) for recipe in watch(recipes, RERANKER, len(recipes))]
        best, _ = max(tried, key=lambda one: search.decisive(one[0].evaluation))
        gain, further = _gain(best, selection, cuts, search, build)
    except NightschoolError as error:
        return _left_out(selection, str(error))
    except Exception as error:
        logger.exception("%s is left out tonight", RERANKER)
        return _left_out(selection, f"{type(error).__name__}: {error}")
    reason = _reason_against(gain, selection, search)
    recipe, evaluation = (selection.recipe, selection.evaluation) if reason else (best.recipe, best.evaluation)
    trials = (*selection.trials, *(trial for _, trial in tried), *further)
    return replace(selection, recipe=recipe, evaluation=evaluation, trials=trials, reranked=replace(best, note=reason))


def _gain(
    best: Candidate, selection: Selection, cuts: Sequence[Split], search: Search, build: Build
) -> tuple[Paired, list[Trial]]:
    """Return how far a reranked recipe is ahead of the chosen one over the cuts, and its trials on the further ones."""
    k = search.decisive_k
    users = [best.evaluation.users]
    differences = [best.evaluation.values("ndcg", k) - selection.evaluation.values("ndcg", k)]
    trials = []
    for place in range(1, min(selection.cuts, search.reranked_cuts)):
        started, split = time.perf_counter(), cuts[place]
        evaluator = ValidationEvaluator(split, search)
        reranked, chosen = (
            evaluator.ndcg(build(recipe).fit(split.fitted, seed=search.seed))
            for recipe in (best.recipe, selection.recipe)
        )
        users.append(reranked.users)
        differences.append(reranked.values - chosen.values)
        settings = Component(model=RERANKER, params=best.recipe.reranker or {})
        trials.append(Trial(settings, reranked.mean, time.perf_counter() - started, place))
    return pool_differences(users, differences), trials


def _settings(split: Split, search: Search) -> list[dict[str, Any]]:
    """Return the hyper-parameters of each reranker to try: one objective each, and training cuts like the split's."""
    fixed = dict(search.reranker or {})
    cut = _CUTS.get(split.protocol, "user")
    known = {"cut": cut, "relevant_from": _lowest_hit(split), **fixed}
    return [
        {**search.reranker_defaults, **tried, **known}
        for tried in OBJECTIVES
        if fixed.get("objective", tried["objective"]) == tried["objective"]
    ]


def _lowest_hit(split: Split) -> float:
    """Return the lowest score that is relevant; zero where every score above zero is."""
    liked = split.held_out.filter(pl.col(SCORE) > 0)
    if liked[RELEVANT].all():
        return 0.0
    lowest = liked.filter(RELEVANT)[SCORE].min()
    return float(lowest) if isinstance(lowest, float) else 0.0


def _try(recipe: Recipe, evaluator: ValidationEvaluator, build: Build) -> tuple[Candidate, Trial]:
    split, search = evaluator.split, evaluator.search
    started = time.perf_counter()
    fitted = build(recipe).fit(split.fitted, seed=search.seed)
    fit_seconds = time.perf_counter() - started
    evaluation = evaluate(fitted, split, evaluator.users, cutoffs=search.cutoffs, megabytes=search.megabytes)
    settings = Component(model=RERANKER, params=recipe.reranker or {})
    trial = Trial(settings, search.decisive(evaluation), time.perf_counter() - started)
    return Candidate(recipe, evaluation, fit_seconds), trial


def _reason_against(gain: Paired, selection: Selection, search: Search) -> str | None:
    """Explain in words why the reranker is left out of the recipe; return None where it enters."""
    if gain.mean > gain.standard_error:
        return None
    return (
        f"not ahead of {selection.recipe.name} by more than a standard error: ndcg@{search.decisive_k} "
        f"{gain.mean:+.4f} ± {gain.standard_error:.4f}"
    )


def _left_out(selection: Selection, reason: str) -> Selection:
    logger.warning("%s is left out tonight: %s", RERANKER, reason)
    return replace(selection, failures={**selection.failures, RERANKER: reason})
