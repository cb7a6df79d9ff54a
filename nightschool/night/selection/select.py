"""Selection of tonight's recipe on validation: models, hyper-parameters, α and the weights of a blend."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from nightschool.capabilities import PredictsRatings
from nightschool.contract import Indices, Pool, Recommender, Span, Split
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
from nightschool.recipe import Component, Recipe
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
    """The recipe that validation chose, and everything that was tried.

    Attributes:
        recipe: The best of all single models, hybrids and the blend.
        evaluation: Its metrics on validation.
        candidates: The best setting of each model, in the order of the configuration.
        trials: Every setting that was tried, in order.
        sweep: α to its evaluation; empty where the data support no hybrid.
        hybrid: α to the recipe of that α.
        blend: The learned blend; None where no model improves another.
        reranked: The best reranker that was tried, its note saying why it was left out; None where none was tried.
        failures: Model to the reason for which it was left out.
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
    """The settings of a search: what is tried, and which metric decides.

    Attributes:
        tunables: The models, and the values that may be tried of each.
        budget: How long the models may be searched.
        alphas: The α of the sweep.
        cutoffs: The k of the metrics.
        seed: Seed of every fit and every draw.
        megabytes: Memory that a dense block of scores may take.
        max_users: Largest number of validation users; a sample is drawn where there are more.
        decisive_k: The k of the ndcg that decides.
        reranker: The fixed hyper-parameters of a reranker; None to try none.
        reranker_defaults: The defaults of all its hyper-parameters.
        rerank_seconds: Seconds that a reranker may take in a night.
        repeated: The settings of an earlier search, tried again in place of a search; None to search.
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
        """Return the figure that decides; minus infinity where no user could be evaluated."""
        return float(np.nan_to_num(evaluation.mean("ndcg", self.decisive_k), nan=-np.inf))


class ValidationEvaluator:
    """Evaluation of recommenders and blends on the validation users."""

    def __init__(self, split: Split, search: Search) -> None:
        self.split = split
        self.search = search
        self.users = _sample(relevant_users(split), search)
        self._history = split.fitted.history()

    def ndcg(self, recommender: Recommender) -> float:
        """Return the mean ndcg of a recommender, at the k that decides."""
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
        """Build the candidate pool of all validation users; each recommender scores them once."""
        scorers = [recommender.score for recommender in recommenders]
        available = self.split.fitted.available
        size = block_users(self.split.fitted.n_items, self.search.megabytes, components=len(scorers) + 1)
        blocks = in_blocks(lambda block: pool_users(scorers, block, self._history, available), self.users, size)
        return join_pools(list(watch(blocks, "validation", -(-max(len(self.users), 1) // size))))

    def evaluate(self, pool: Pool, weights: Sequence[float]) -> Evaluation:
        """Evaluate the blend with one weight for each recommender of the pool."""
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
    """Tune and fit each model; return the best setting of each, every trial, and why models were left out."""

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
    """Return the density of the data on which a setting was chosen, by hyper-parameter that a refit rescales."""
    names = {span.chosen_on for span in tunable.space.values() if isinstance(span, Span) and span.chosen_on}
    likes = float(f"{mean_degree(split.fitted.positives()):.3g}")
    return dict.fromkeys(names, likes) if likes else {}


def _settled(fitted: Fitted, tunable: Tunable, chosen_on: Mapping[str, Any]) -> Fitted:
    """Write every hyper-parameter into the setting, so that a later change of a default does not change a recipe."""
    params = {**tunable.defaults, **chosen_on, **fitted.component.params}
    return replace(fitted, component=fitted.component.model_copy(update={"params": params}))


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
    """Return the recipe's weight of each candidate, zero for those that are not in it."""
    weights = {component.model: component.weight for component in recipe.components}
    return [weights.get(candidate.component.model, 0.0) for candidate in candidates]


def _sample(users: Indices, search: Search) -> Indices:
    if len(users) <= search.max_users:
        return users
    return np.sort(np.random.default_rng(search.seed).choice(users, search.max_users, replace=False))
