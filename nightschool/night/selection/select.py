"""Choosing on validation: models, hyper-parameters, α and the weights of a blend: together, tonight's recipe."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from nightschool.capabilities import PredictsRatings
from nightschool.contract import Component, Indices, Pool, Recipe, Recommender, Span, Split
from nightschool.data.density import mean_degree
from nightschool.errors import NightschoolError
from nightschool.evaluation.compare import compare
from nightschool.evaluation.evaluate import evaluate_ranking, prediction_errors, relevant_users
from nightschool.evaluation.evaluation import Evaluation
from nightschool.evaluation.gains import Gains
from nightschool.night.selection.blending import learn_blend
from nightschool.night.selection.tuning import Budget, Fitted, Trial, Tunable, Tuner
from nightschool.progress import watch
from nightschool.ranking.blocks import block_users, in_blocks
from nightschool.ranking.candidates import blend, join_pools, pool_users, rank_pool
from nightschool.ranking.topk import rank_users
from nightschool.vocabulary import CONTENT

logger = logging.getLogger("nightschool.night")

POPULARITY = "popularity"

Create = Callable[[str, Mapping[str, Any]], Recommender]


@dataclass(frozen=True)
class Candidate:
    """A model with its best setting, or a blend of several, fitted on train and measured on validation."""

    recipe: Recipe
    evaluation: Evaluation
    fit_seconds: float
    note: str | None = None

    @property
    def component(self) -> Component:
        """The model; of a blend, the one with the largest weight."""
        return self.recipe.components[0]


@dataclass(frozen=True)
class Selection:
    """What validation chose.

    Attributes:
        recipe: The best of all single models, hybrids and the blend.
        evaluation: What it measured.
        candidates: The best setting of each model, in the order they were asked for.
        trials: Every setting that was tried.
        sweep: α to its evaluation; empty where the data support no hybrid.
        hybrid: α to the recipe of that α.
        blend: The blend whose weights were learned; None where no model gains by another.
        reranked: The best reranker that was tried, and in its note why it was not taken; None where none was.
        failures: Model to the reason it was left out.
    """

    recipe: Recipe
    evaluation: Evaluation
    candidates: tuple[Candidate, ...]
    trials: tuple[Trial, ...] = ()
    sweep: Mapping[float, Evaluation] = field(default_factory=dict)
    hybrid: Mapping[float, Recipe] = field(default_factory=dict)
    blend: Candidate | None = None
    reranked: Candidate | None = None
    failures: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Search:
    """What to try, and what decides.

    Attributes:
        tunables: The models, and what may be tried of each.
        budget: How long the models may be searched.
        alphas: The α of the sweep.
        cutoffs: The k of the metrics.
        seed: Seed of every fit and of what is drawn.
        megabytes: Memory that a dense block of scores may take.
        max_users: Validation users who decide; a sample where there are more.
        decisive_k: Which ndcg decides.
        reranker: The hyper-parameters that are fixed of a reranker; None: none is tried.
        reranker_defaults: The values of all of them where nothing else is said.
        rerank_seconds: What a reranker may take of a night.
        repeated: The settings that an earlier search tried, in place of searching; None to search.
    """

    tunables: tuple[Tunable, ...]
    budget: Budget
    alphas: Sequence[float]
    cutoffs: tuple[int, ...]
    seed: int
    megabytes: int
    max_users: int
    decisive_k: int = 10
    reranker: Mapping[str, Any] | None = None
    reranker_defaults: Mapping[str, Any] = field(default_factory=dict)
    rerank_seconds: float = 600.0
    repeated: Sequence[Component] | None = None

    def decisive(self, evaluation: Evaluation) -> float:
        """The figure that decides; below all others where nobody could be evaluated."""
        return float(np.nan_to_num(evaluation.mean("ndcg", self.decisive_k), nan=-np.inf))


class ValidationEvaluator:
    """The validation users, and how recommenders and blends are measured on them."""

    def __init__(self, split: Split, search: Search) -> None:
        self.split = split
        self.search = search
        self.users = _sample(relevant_users(split), search)
        self._history = split.fitted.history()

    def ndcg(self, recommender: Recommender) -> float:
        """The mean that decides."""
        ranking = rank_users(
            recommender.score,
            self.users,
            history=self._history,
            available=self.split.fitted.available,
            k=self.search.decisive_k,
            block_users=block_users(self.split.fitted.n_items, self.search.megabytes),
        )
        cutoffs = (self.search.decisive_k,)
        return self.search.decisive(evaluate_ranking(ranking, self.users, self.split, cutoffs=cutoffs))

    def pool(self, recommenders: Sequence[Recommender]) -> Pool:
        """The candidates of all users, each recommender having scored them once."""
        scorers = [recommender.score for recommender in recommenders]
        available = self.split.fitted.available
        size = block_users(self.split.fitted.n_items, self.search.megabytes, components=len(scorers) + 1)
        blocks = in_blocks(lambda block: pool_users(scorers, block, self._history, available), self.users, size)
        return join_pools(list(watch(blocks, "validation", -(-max(len(self.users), 1) // size))))

    def evaluate(self, pool: Pool, weights: Sequence[float]) -> Evaluation:
        """The metrics of the blend with one weight a recommender of the pool."""
        blended = blend(pool, np.array(weights, dtype=np.float32))
        ranking, _ = rank_pool(pool, blended, max(self.search.cutoffs))
        return evaluate_ranking(ranking, self.users, self.split, cutoffs=self.search.cutoffs)


def choose_recipe(split: Split, search: Search, create: Create) -> Selection:
    """Choose the recipe with the highest validation ndcg@10 of all candidates and all α, or a blend shown better.

    Raises:
        NightschoolError: No candidate could be trained.
    """
    evaluator = ValidationEvaluator(split, search)
    fitted, trials, failures = _fit_all(evaluator, create)
    if not fitted:
        raise NightschoolError("no candidate could be trained", seen=failures, do="correct the data or the models")
    pool = evaluator.pool([one.recommender for one in fitted])
    candidates = tuple(_measure(place, fitted, pool, evaluator) for place in range(len(fitted)))
    hybrid = _hybrids(candidates, search)
    sweep = {alpha: evaluator.evaluate(pool, _weights(recipe, candidates)) for alpha, recipe in hybrid.items()}
    chosen = [(one.recipe, one.evaluation) for one in candidates]
    chosen += [(hybrid[alpha], evaluation) for alpha, evaluation in sweep.items()]
    recipe, evaluation = max(chosen, key=lambda pair: search.decisive(pair[1]))
    learned = _learned_blend(candidates, pool, evaluator)
    if learned and compare(learned.evaluation, evaluation, k=search.decisive_k).conclusion == "better":
        recipe, evaluation = learned.recipe, learned.evaluation
    return Selection(recipe, evaluation, candidates, tuple(trials), sweep, hybrid, learned, failures=failures)


def _fit_all(evaluator: ValidationEvaluator, create: Create) -> tuple[list[Fitted], list[Trial], dict[str, str]]:
    """The best setting of each model, fitted; what was tried; and why models were left out."""

    def fit(component: Component) -> Fitted:
        started = time.perf_counter()
        recommender = create(component.model, component.params).fit(evaluator.split.fitted, seed=evaluator.search.seed)
        return Fitted(component, recommender, time.perf_counter() - started)

    search = evaluator.search
    tuner = Tuner(fit, evaluator.ndcg, search.budget, search.seed, search.repeated)
    fitted: list[Fitted] = []
    trials: list[Trial] = []
    failures: dict[str, str] = {}
    for tunable in watch(search.tunables, "models", len(search.tunables)):
        try:
            best, tried = tuner.tune(tunable)
        except NightschoolError as error:
            failures[tunable.model] = str(error)
            logger.warning("%s is left out tonight: %s", tunable.model, error)
        except Exception as error:
            failures[tunable.model] = f"{type(error).__name__}: {error}"
            logger.exception("%s is left out tonight", tunable.model)
        else:
            fitted.append(_settled(best, tunable, _chosen_on(evaluator.split, tunable) if tried else {}))
            trials += tried
    return fitted, trials, failures


def _chosen_on(split: Split, tunable: Tunable) -> dict[str, Any]:
    """What a refit on more data needs to know of the data that a setting was chosen on."""
    told = {span.chosen_on for span in tunable.space.values() if isinstance(span, Span) and span.chosen_on}
    likes = float(f"{mean_degree(split.fitted.positives()):.3g}")
    return dict.fromkeys(told, likes) if likes else {}


def _settled(fitted: Fitted, tunable: Tunable, chosen_on: Mapping[str, Any]) -> Fitted:
    """The same, every hyper-parameter in its setting, so that a default that changes later does not change a recipe."""
    params = {**tunable.defaults, **chosen_on, **fitted.component.params}
    return replace(fitted, component=fitted.component.model_copy(update={"params": params}))


def _measure(place: int, fitted: Sequence[Fitted], pool: Pool, evaluator: ValidationEvaluator) -> Candidate:
    one = fitted[place]
    evaluation = evaluator.evaluate(pool, np.eye(len(fitted))[place].tolist())
    if isinstance(one.recommender, PredictsRatings):
        evaluation = replace(evaluation, errors=prediction_errors(one.recommender, evaluator.split))
    return Candidate(one.recipe, evaluation, one.fit_seconds, one.recommender.note)


def _hybrids(candidates: Sequence[Candidate], search: Search) -> dict[float, Recipe]:
    """α to the hybrid of the best collaborative candidate and content; none where one of them could not be trained."""
    content = next((c for c in candidates if c.component.model == CONTENT), None)
    personal = {tunable.model for tunable in search.tunables if tunable.personal}
    collaborative = [c for c in candidates if c.component.model in personal - {CONTENT}]
    if content is None or not collaborative:
        return {}
    best = max(collaborative, key=lambda candidate: search.decisive(candidate.evaluation))
    return {alpha: _hybrid(best.component, content.component, alpha) for alpha in search.alphas}


def _hybrid(collaborative: Component, content: Component, alpha: float) -> Recipe:
    """At either end of the sweep the one component alone, which ranks alike and explains itself."""
    if alpha in (0.0, 1.0):
        return Recipe(components=(collaborative if alpha else content,))
    shares = ((collaborative, alpha), (content, round(1 - alpha, 4)))
    return Recipe(components=tuple(c.model_copy(update={"weight": share}) for c, share in shares), alpha=alpha)


def _learned_blend(candidates: Sequence[Candidate], pool: Pool, evaluator: ValidationEvaluator) -> Candidate | None:
    if not len(evaluator.users):
        return None
    gains = Gains.of(pool, evaluator.users, evaluator.split, evaluator.search.decisive_k)
    recipe = learn_blend(gains, [candidate.component for candidate in candidates])
    if len(recipe.components) == 1:
        return None
    blended = {component.model for component in recipe.components}
    seconds = sum(candidate.fit_seconds for candidate in candidates if candidate.component.model in blended)
    return Candidate(recipe, evaluator.evaluate(pool, _weights(recipe, candidates)), seconds)


def _weights(recipe: Recipe, candidates: Sequence[Candidate]) -> list[float]:
    """The recipe's weight of each candidate, zero for those that are not in it."""
    weights = {component.model: component.weight for component in recipe.components}
    return [weights.get(candidate.component.model, 0.0) for candidate in candidates]


def _sample(users: Indices, search: Search) -> Indices:
    if len(users) <= search.max_users:
        return users
    return np.sort(np.random.default_rng(search.seed).choice(users, search.max_users, replace=False))
