"""Selection of tonight's recipe on validation: models, hyper-parameters, α and the weights of a blend."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from nightschool.capabilities import PredictsRatings
from nightschool.contract import Pool, Split
from nightschool.data.density import mean_degree
from nightschool.errors import NightschoolError
from nightschool.evaluation.evaluate import prediction_errors
from nightschool.night.selection.choice import choose, gains_of_all
from nightschool.night.selection.evaluators import Create, Evaluators, Fitted, ValidationEvaluator
from nightschool.night.selection.search import Search, Tunable, densities
from nightschool.night.selection.selection import Candidate, Selection
from nightschool.night.selection.tuning import Tuned, Tuner
from nightschool.recipe import Component, Recipe
from nightschool.vocabulary import CONTENT


def choose_recipe(cuts: Sequence[Split], search: Search, create: Create) -> Selection:
    """Choose a recipe on validation: a learned blend unless a single model or a hybrid is shown better.

    The blend is compared by weights that were learned on other users than those on whom it is measured. Of the singles
    and hybrids the best over all cuts is compared with it.

    Args:
        cuts: The validation cuts, the night's own first.
        search: What is tried.
        create: Creates a model with hyper-parameters.

    Raises:
        NightschoolError: No candidate could be trained.
    """
    evaluators = Evaluators(cuts, search)
    tuned = Tuner(evaluators, create, search.seconds, search.seed).tune(search.tunables)
    failures = {**search.left_out, **tuned.failures}
    if not tuned.fitted:
        raise NightschoolError("no candidate could be trained", seen=failures, do="correct the data or the models")
    tunables = {one.model: one for one in search.tunables}
    searched = {trial.component.model for trial in tuned.trials} if search.seconds else set()
    fitted = [
        _complete(one, tunables[one.component.model], evaluators[0].split, searched=one.component.model in searched)
        for one in tuned.fitted
    ]
    pool = evaluators[0].pool([one.recommender for one in fitted])
    candidates = tuple(_measure(place, fitted, pool, evaluators[0]) for place in range(len(fitted)))
    hybrid = _hybrids(candidates, search)
    sweep = {alpha: evaluators[0].evaluate(pool, _weights(recipe, candidates)) for alpha, recipe in hybrid.items()}
    found = Selection(candidates[0].recipe, candidates[0].evaluation, candidates, tuple(tuned.trials), sweep, hybrid)
    found = replace(found, failures=failures, cuts=tuned.cuts)
    if not len(evaluators[0].users):
        return found
    gains, users = gains_of_all(evaluators, pool, tuned, create)
    chosen = choose(found, gains, users, lambda recipe: evaluators[0].evaluate(pool, _weights(recipe, candidates)))
    return replace(chosen, bought=_bought(chosen, tuned, search))


def _bought(chosen: Selection, tuned: Tuned, search: Search) -> str:
    """Say what the search gained."""
    fits = f"{len(tuned.trials)} fit{'s' if len(tuned.trials) > 1 else ''}"
    cuts = f"{tuned.cuts} validation cut{'s' if tuned.cuts > 1 else ''}"
    rose = f"{tuned.by_default:.4f} with defaults and {tuned.by_choice:.4f} with the chosen settings"
    return (
        f"{fits} on {cuts}: the best model has ndcg@{search.decisive_k} {rose}, "
        f"{chosen.recipe.name} has {chosen.value:.4f}"
    )


def _complete(fitted: Fitted, tunable: Tunable, split: Split, *, searched: bool) -> Fitted:
    """Write every hyper-parameter into the setting, so that a later change of a default does not change a recipe.

    A setting that was searched for names the density of the data on which it was chosen, which a refit rescales by.
    """
    chosen_on = _density(split, tunable) if searched else {}
    params = {**tunable.defaults, **chosen_on, **fitted.component.params}
    return replace(fitted, component=fitted.component.model_copy(update={"params": params}))


def _density(split: Split, tunable: Tunable) -> dict[str, Any]:
    likes = float(f"{mean_degree(split.fitted.positives()):.3g}")
    return dict.fromkeys(densities(tunable.space), likes) if likes else {}


def _measure(place: int, fitted: Sequence[Fitted], pool: Pool, evaluator: ValidationEvaluator) -> Candidate:
    one = fitted[place]
    evaluation = evaluator.evaluate(pool, np.eye(len(fitted))[place].tolist())
    if isinstance(one.recommender, PredictsRatings):
        evaluation = replace(evaluation, errors=prediction_errors(one.recommender, evaluator.split))
    return Candidate(one.recipe, evaluation, one.fit_seconds, one.recommender.note)


def _hybrids(candidates: Sequence[Candidate], search: Search) -> dict[float, Recipe]:
    """Return α to the hybrid of the best collaborative candidate and content; none where one cannot be trained."""
    content = next((c for c in candidates if c.component.model == CONTENT), None)
    personal = {tunable.model for tunable in search.tunables if tunable.personal}
    collaborative = [c for c in candidates if c.component.model in personal - {CONTENT}]
    if content is None or not collaborative:
        return {}
    best = max(collaborative, key=lambda candidate: search.decisive(candidate.evaluation))
    return {alpha: _hybrid(best.component, content.component, alpha) for alpha in search.alphas}


def _hybrid(collaborative: Component, content: Component, alpha: float) -> Recipe:
    """Build the hybrid of an α; at either end of the sweep one component alone, which ranks the same."""
    if alpha in (0.0, 1.0):
        return Recipe(components=(collaborative if alpha else content,))
    shares = ((collaborative, alpha), (content, round(1 - alpha, 4)))
    return Recipe(components=tuple(c.model_copy(update={"weight": share}) for c, share in shares), alpha=alpha)


def _weights(recipe: Recipe, candidates: Sequence[Candidate]) -> list[float]:
    """Return the recipe's weight of each candidate, zero for those that are not in it."""
    weights = {component.model: component.weight for component in recipe.components}
    return [weights.get(candidate.component.model, 0.0) for candidate in candidates]
