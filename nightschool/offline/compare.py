"""Offline comparison of models on a named protocol: tuned on validation, refitted, measured once on the test."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from nightschool.capabilities import FollowsOrder
from nightschool.columns import ITEM_ID, ITEM_INDEX, RANK, USER_ID, USER_INDEX
from nightschool.contract import Blended, Recommender, Split
from nightschool.data.splits.shuffled_order import with_shuffled_order
from nightschool.evaluation.compare import Comparison, compare
from nightschool.evaluation.evaluate import evaluate, evaluate_ranking, relevant_users, with_auc
from nightschool.evaluation.evaluation import Evaluation
from nightschool.night.prove import POPULARITY_RECIPE
from nightschool.night.reporting.metrics import figures, finite_or_none
from nightschool.night.selection.evaluators import Create
from nightschool.night.selection.reranking import Build, with_reranker
from nightschool.night.selection.search import Search
from nightschool.night.selection.select import choose_recipe
from nightschool.ranking.topk import Ranking
from nightschool.recipe import RERANKER, Recipe


@dataclass(frozen=True)
class Measured:
    """One row of the comparison.

    Attributes:
        name: The recipe's name.
        params: Its hyper-parameters, as validation chose them.
        fit_seconds: Wall time of the fit on train and validation.
        evaluation: Its figures on the test.
        over_popularity: Its ndcg@k less popularity's, on the same users.
        over_shuffled: Its ndcg@k less its own on histories in no order, where it follows their order and is better than
            popularity; else None.
        chosen: Whether it is the recipe that validation chose.
        note: Where that fit deviated from its hyper-parameters; None: nowhere.
    """

    name: str
    params: Mapping[str, Any]
    fit_seconds: float
    evaluation: Evaluation
    over_popularity: Comparison
    over_shuffled: Comparison | None = None
    chosen: bool = False
    note: str | None = None


class _Figures(NamedTuple):
    """A recommender's evaluation on the test, the seconds and the note of its fit, and whether it follows the order."""

    evaluation: Evaluation
    fit_seconds: float
    note: str | None
    ordered: bool


def compare_models(
    cuts: Sequence[Split], test: Split, search: Search, create: Create, build: Build
) -> tuple[list[Measured], Mapping[str, str]]:
    """Compare models: one row each, and the reasons of those that could not be trained.

    The hybrid of the best α and the learned blend come last, unless one of their components alone is better, and after
    them the reranker that was tried. Whatever follows the order of histories and is better than popularity is followed
    by its control, fitted and measured on shuffled histories.
    """
    selection = with_reranker(choose_recipe(cuts, search, create), cuts, search, build)
    on_test = _OnTest(test, search, _measure(lambda: build(POPULARITY_RECIPE), test, search).evaluation)
    rows = []
    for candidate in selection.candidates:
        component = candidate.component
        rows += on_test.rows(component.model, component.params, partial(create, component.model, component.params))
    best = max(selection.sweep, key=lambda alpha: search.decisive(selection.sweep[alpha]), default=None)
    further = [selection.hybrid[best]] if best is not None and selection.hybrid[best].alpha is not None else []
    further += [one.recipe for one in (selection.blend, selection.reranked) if one is not None]
    for recipe in further:
        rows += on_test.rows(recipe.name, _params(recipe), partial(build, recipe))
    chosen = selection.recipe.name
    return [replace(row, chosen=row.name == chosen) for row in rows], selection.failures


def measure_lists(lists: pl.DataFrame, test: Split, cutoffs: tuple[int, ...]) -> Evaluation:
    """Measure published lists: user_id, item_id, rank."""
    dataset = test.fitted
    users = pl.DataFrame({USER_ID: dataset.user_ids, USER_INDEX: np.arange(dataset.n_users, dtype=np.int32)})
    items = pl.DataFrame({ITEM_ID: dataset.item_ids, ITEM_INDEX: np.arange(dataset.n_items, dtype=np.int32)})
    rows = lists.filter(pl.col(RANK) <= max(cutoffs)).join(users, on=USER_ID).join(items, on=ITEM_ID)
    ranked = np.full((dataset.n_users, max(cutoffs)), -1, dtype=np.int32)
    ranked[rows[USER_INDEX].to_numpy(), rows[RANK].to_numpy() - 1] = rows[ITEM_INDEX].to_numpy()
    evaluated = relevant_users(test)
    ranking = Ranking(ranked[evaluated], np.zeros((len(evaluated), max(cutoffs)), dtype=np.float32))
    return evaluate_ranking(ranking, evaluated, test, cutoffs=cutoffs)


@dataclass(frozen=True)
class _OnTest:
    """The test on which every recommender is measured, and popularity's figures on it."""

    test: Split
    search: Search
    floor: Evaluation

    def rows(self, name: str, params: Mapping[str, Any], make: Callable[[], Recommender]) -> list[Measured]:
        """Measure a recommender; where it follows the order of histories and is better, also on shuffled ones."""
        figures = _measure(make, self.test, self.search)
        row = self._row(name, params, figures)
        if not figures.ordered or row.over_popularity.conclusion != "better":
            return [row]
        shuffled = _measure(make, with_shuffled_order(self.test, self.search.seed), self.search)
        over = compare(figures.evaluation, shuffled.evaluation, k=self.search.decisive_k)
        return [replace(row, over_shuffled=over), self._row(f"{name}, shuffled order", params, shuffled)]

    def _row(self, name: str, params: Mapping[str, Any], figures: _Figures) -> Measured:
        over = compare(figures.evaluation, self.floor, k=self.search.decisive_k)
        return Measured(name, params, figures.fit_seconds, figures.evaluation, over, note=figures.note)


def _params(recipe: Recipe) -> dict[str, Any]:
    params = {one.model: {"blend_weight": one.weight, **one.params} for one in recipe.components}
    return params if recipe.reranker is None else {**params, RERANKER: dict(recipe.reranker)}


def _measure(make: Callable[[], Recommender], test: Split, search: Search) -> _Figures:
    started = time.perf_counter()
    recommender = make().fit(test.fitted, seed=search.seed)
    seconds = time.perf_counter() - started
    evaluation = evaluate(recommender, test, cutoffs=search.cutoffs, megabytes=search.megabytes)
    evaluation = with_auc(evaluation, recommender, test, megabytes=search.megabytes)
    parts = recommender.parts.values() if isinstance(recommender, Blended) else [recommender]
    ordered = any(isinstance(part, FollowsOrder) and part.needs_order for part in parts)
    return _Figures(evaluation, seconds, recommender.note, ordered)


def describe_measured(row: Measured, cutoffs: tuple[int, ...]) -> dict[str, Any]:
    """Describe a row of an offline comparison, with its paired difference to popularity."""
    over, shuffled = row.over_popularity, row.over_shuffled
    control = {} if shuffled is None else {"over_shuffled": _interval(shuffled)}
    return {
        "name": row.name,
        "params": dict(row.params),
        "fit_seconds": round(row.fit_seconds, 3),
        "note": row.note,
        "metrics": figures(row.evaluation, cutoffs),
        "over_popularity": _interval(over),
        **control,
        "verdict": over.conclusion,
        "chosen": row.chosen,
    }


def _interval(over: Comparison) -> list[float | None]:
    return [finite_or_none(value) for value in (over.difference, over.ci_low, over.ci_high)]
