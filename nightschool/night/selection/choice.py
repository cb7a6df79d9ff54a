"""The choice between a learned blend, hybrids and single models, over all validation cuts."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from nightschool.contract import Indices, Pool
from nightschool.evaluation.evaluation import Evaluation
from nightschool.evaluation.gains import Gains
from nightschool.evaluation.metrics import Float64s
from nightschool.evaluation.pooled import pool_differences
from nightschool.night.selection.blending import learn_blend, ndcg
from nightschool.night.selection.evaluators import Create, Evaluators, sample_rows
from nightschool.night.selection.selection import Candidate, Selection
from nightschool.night.selection.tuning import Tuned
from nightschool.recipe import Component, Recipe

_MOST_ROWS = 6000
"""Rows that weights are learned from: the time grows with them, and the error falls with their root."""


class _Option(NamedTuple):
    """A recipe that may be chosen, its metrics on the first cut, and each row's ndcg over all cuts."""

    recipe: Recipe
    evaluation: Evaluation
    values: Float64s


def gains_of_all(evaluators: Evaluators, pool: Pool, tuned: Tuned, create: Create) -> tuple[Gains, Indices]:
    """Return the gains of the chosen settings on all cuts, and the user of each row, int32 [n].

    The rows of all cuts together are no more than `_MOST_ROWS`, drawn by seed.

    Args:
        evaluators: The validation cuts.
        pool: The pool of the first cut.
        tuned: The chosen settings.
        create: Creates a model with hyper-parameters.
    """
    parts, users = [], []
    for cut in range(tuned.cuts):
        evaluator = evaluators[cut]
        rows = sample_rows(len(evaluator.users), _MOST_ROWS // tuned.cuts, evaluator.search.seed)
        users.append(evaluator.users[rows])
        if cut:
            chosen = zip(tuned.fitted, tuned.elsewhere, strict=True)
            fitted = [kept.get(cut) or evaluator.fit(one.component, create) for one, kept in chosen]
            parts.append(evaluator.gains(evaluator.pool([one.recommender for one in fitted], users[cut]), users[cut]))
        else:
            parts.append(evaluator.gains(pool, evaluator.users)[rows])
    return Gains.join(parts), np.concatenate(users)


def choose(found: Selection, gains: Gains, users: Indices, evaluate: Callable[[Recipe], Evaluation]) -> Selection:
    """Choose the learned blend unless a single model or a hybrid is ahead of it by more than a standard error.

    The blend is judged by weights that were learned on other users. A hybrid is taken before the best single model
    where it is ahead by more than the luckiest α of equals would be.

    Args:
        found: The candidates and the sweep of α.
        gains: Their gains, rows of all cuts.
        users: The user of each row, int32 [n].
        evaluate: Computes the metrics of a recipe on the first cut.
    """
    components = [one.component for one in found.candidates]

    def option(recipe: Recipe, evaluation: Evaluation) -> _Option:
        return _Option(recipe, evaluation, ndcg(gains, _weights(recipe, components)))

    singles = [option(one.recipe, one.evaluation) for one in found.candidates]
    hybrids = [option(found.hybrid[alpha], one) for alpha, one in found.sweep.items() if 0 < alpha < 1]
    best = max(singles, key=_mean)
    if hybrids:
        mixed = max(hybrids, key=_mean)
        if not pool_differences([users], [mixed.values - best.values]).within(len(hybrids)):
            best = mixed
    found = replace(found, recipe=best.recipe, evaluation=best.evaluation, value=_mean(best))
    recipe, judged = learn_blend(gains, users, components)
    if len(recipe.components) == 1:
        return found
    blended = {component.model for component in recipe.components}
    seconds = sum(one.fit_seconds for one in found.candidates if one.component.model in blended)
    blend = Candidate(recipe, evaluate(recipe), seconds)
    if judged is None:
        return replace(found, blend=blend)
    ahead = pool_differences([users], [best.values - judged])
    if ahead.mean > ahead.standard_error:
        return replace(found, blend=blend)
    return replace(found, blend=blend, recipe=recipe, evaluation=blend.evaluation, value=float(judged.mean()))


def _mean(option: _Option) -> float:
    return float(option.values.mean())


def _weights(recipe: Recipe, components: Sequence[Component]) -> np.ndarray:
    """Return the recipe's weight of each component, float32 [n_components]; zero for those that are not in it."""
    weights = {component.model: component.weight for component in recipe.components}
    return np.array([weights.get(component.model, 0.0) for component in components], dtype=np.float32)
