"""Reranking of the chosen recipe: each objective is tried, and the best is taken when shown better and fast enough."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from nightschool.columns import RELEVANT, SCORE, TIMESTAMP
from nightschool.contract import Recommender, Split
from nightschool.data.splits.protocols import NEEDS_ORDER, n_cuts
from nightschool.errors import NightschoolError
from nightschool.evaluation.compare import compare
from nightschool.evaluation.evaluate import evaluate
from nightschool.night.selection.select import Candidate, Search, Selection, ValidationEvaluator
from nightschool.night.selection.tuning import Trial
from nightschool.progress import watch
from nightschool.recipe import RERANKER, Component, Recipe

logger = logging.getLogger("nightschool.night")

_TRIED: Sequence[Mapping[str, Any]] = (
    # A ranking objective overfits quickly; predicting whether a candidate is a hit supports deeper trees.
    {"objective": "lambdarank", "leaves": 3, "l2": 30.0},
    {"objective": "binary", "leaves": 31, "trees": 200, "feature_fraction": 0.5},
)
_CUTS = {"stratified-item": "item", "temporal": "time", **dict.fromkeys((*NEEDS_ORDER, "next-session"), "last")}
_FITS_TO_COME = 2  # to prove the recipe, and to refit it

Build = Callable[[Recipe], Recommender]


@dataclass(frozen=True)
class _Tried:
    """A reranker that was tried.

    Attributes:
        candidate: Its recipe and its evaluation.
        trial: The same, as an entry of the tried settings.
        seconds: Estimated seconds in a night: two fits, the lists of all users, and a fit of a reranked champion.
    """

    candidate: Candidate
    trial: Trial
    seconds: float


def with_reranker(
    selection: Selection, split: Split, search: Search, build: Build, champion: Recipe | None = None
) -> Selection:
    """Add a reranker to the selected recipe where it is shown better and fits into `rerank_seconds`.

    It is tried over the learned blend, else over the chosen recipe, with each objective unless one is fixed; the better
    one is compared with the chosen recipe on the same validation users. The selection is returned unchanged where no
    reranker was asked for or no user can be evaluated. A champion with a reranker is fitted once more to be compared,
    and those seconds count.
    """
    if search.reranker is None or not selection.evaluation.n_users:
        return selection
    base = selection.recipe if selection.blend is None else selection.blend.recipe
    recipes = [base.model_copy(update={RERANKER: settings}) for settings in _settings(split, search)]
    champion_seconds = 0.0 if champion is None else _fit_seconds(champion, selection, search)
    seconds = champion_seconds + _FITS_TO_COME * max(_fit_seconds(recipe, selection, search) for recipe in recipes)
    if seconds > search.rerank_seconds:
        return _left_out(selection, f"fitting {base.name} for it would take {_over(seconds, search)}")
    evaluator = ValidationEvaluator(split, search)
    try:
        tried = [_try(recipe, evaluator, build, champion_seconds) for recipe in watch(recipes, RERANKER, len(recipes))]
    except NightschoolError as error:
        return _left_out(selection, str(error))
    except Exception as error:
        logger.exception("%s is left out tonight", RERANKER)
        return _left_out(selection, f"{type(error).__name__}: {error}")
    best = max(tried, key=lambda one: search.decisive(one.candidate.evaluation))
    reason = _reason_against(best, selection, search)
    recipe = best.candidate.recipe if reason is None else selection.recipe
    trials = (*selection.trials, *(one.trial for one in tried))
    return replace(selection, recipe=recipe, trials=trials, reranked=replace(best.candidate, note=reason))


def _settings(split: Split, search: Search) -> list[dict[str, Any]]:
    """Return the hyper-parameters of each reranker to try: one objective each, and training cuts like the split's."""
    fixed = dict(search.reranker or {})
    timed = split.fitted.interactions[TIMESTAMP].count() > 0
    cut = _CUTS.get(split.protocol, "user") if timed or split.protocol == "stratified-item" else "user"
    known = {"cut": cut, "relevant_from": _lowest_hit(split), **fixed}
    return [
        {**search.reranker_defaults, **tried, **known}
        for tried in _TRIED
        if fixed.get("objective", tried["objective"]) == tried["objective"]
    ]


def _lowest_hit(split: Split) -> float:
    """Return the lowest score that is relevant; zero where every score above zero is."""
    liked = split.held_out.filter(pl.col(SCORE) > 0)
    if liked[RELEVANT].all():
        return 0.0
    lowest = liked.filter(RELEVANT)[SCORE].min()
    return float(lowest) if isinstance(lowest, float) else 0.0


def _try(recipe: Recipe, evaluator: ValidationEvaluator, build: Build, champion_seconds: float) -> _Tried:
    split, search = evaluator.split, evaluator.search
    started = time.perf_counter()
    fitted = build(recipe).fit(split.fitted, seed=search.seed)
    fit_seconds = time.perf_counter() - started
    evaluation = evaluate(fitted, split, evaluator.users, cutoffs=search.cutoffs, megabytes=search.megabytes)
    seconds = time.perf_counter() - started
    for_all = (seconds - fit_seconds) / len(evaluator.users) * split.fitted.n_users
    settings = Component(model=RERANKER, params=recipe.reranker or {})
    return _Tried(
        Candidate(recipe, evaluation, fit_seconds),
        Trial(settings, search.decisive(evaluation), seconds),
        champion_seconds + _FITS_TO_COME * fit_seconds + for_all,
    )


def _reason_against(best: _Tried, selection: Selection, search: Search) -> str | None:
    """Explain in words why the reranker is left out of the recipe; return None where it enters."""
    over = compare(best.candidate.evaluation, selection.evaluation, k=search.decisive_k)
    if over.conclusion != "better":
        return (
            f"not shown better than {selection.recipe.name}: ndcg@{search.decisive_k} {over.difference:+.4f} "
            f"[{over.ci_low:+.4f}, {over.ci_high:+.4f}]"
        )
    return f"would take {_over(best.seconds, search)}" if best.seconds > search.rerank_seconds else None


def _fit_seconds(recipe: Recipe, selection: Selection, search: Search) -> float:
    """Estimate the seconds to fit a reranked recipe: its models on each cut and on all data; zero without one."""
    if recipe.reranker is None:
        return 0.0
    params = {**search.reranker_defaults, **recipe.reranker}
    models = {component.model for component in recipe.components}
    once = sum(candidate.fit_seconds for candidate in selection.candidates if candidate.component.model in models)
    return (1 + n_cuts(params["cut"], params["folds"])) * once


def _left_out(selection: Selection, reason: str) -> Selection:
    logger.warning("%s is left out tonight: %s", RERANKER, reason)
    return replace(selection, failures={**selection.failures, RERANKER: reason})


def _over(seconds: float, search: Search) -> str:
    return f"about {seconds:.0f} s of a night; rerank_seconds allows {search.rerank_seconds:.0f}"
