"""The search that a night's configuration describes: models, hyper-parameters and the budget that they share."""

from collections.abc import Mapping
from dataclasses import replace
from math import inf
from typing import Any

from models.catalog import create, reranker_config, space
from nightschool.night.config import NightConfig
from nightschool.night.lineage import Searched
from nightschool.night.selection.select import Search
from nightschool.night.selection.tuning import Budget, Tunable
from nightschool.recipe import RERANKER, Recipe
from nightschool.settings import Settings


def search_for(config: NightConfig, decisive_k: int = 10) -> Search:
    """Build the search that a configuration describes: each model, its fixed hyper-parameters, the shared budget.

    Raises:
        ConfigurationError: A model or hyper-parameter does not exist, or a value is out of range.
    """
    for model, params in config.params.items():
        reranker_config(params) if model == RERANKER else create(model, params)
    models = [model for model in config.models if model != RERANKER]
    tunables = tuple(_tunable(model, config.params.get(model, {})) for model in models)
    budget = Budget(config.search_trials, config.search_seconds, sum(bool(one.space) for one in tunables))
    return Search(
        tunables,
        budget,
        alphas=config.alphas,
        cutoffs=config.cutoffs,
        seed=config.seed,
        megabytes=Settings().block_megabytes,
        max_users=config.max_validation_users,
        decisive_k=decisive_k,
        reranker=config.params.get(RERANKER, {}) if RERANKER in config.models else None,
        reranker_defaults=reranker_config({}).model_dump(mode="json"),
        rerank_seconds=config.rerank_seconds,
    )


def _tunable(model: str, fixed: Mapping[str, Any]) -> Tunable:
    free = {name: values for name, values in space(model).items() if name not in fixed}
    unfitted = create(model, fixed)
    return Tunable(model, fixed, free, unfitted.config.model_dump(mode="json"), unfitted.personal)


def settled_search(champion: Recipe, search: Search) -> Search:
    """Return the search of one setting a model, to show its figures: the champion's, else the defaults."""
    settled = {component.model: component.params for component in champion.components}
    tunables = tuple(
        Tunable(one.model, settled.get(one.model, one.fixed), personal=one.personal) for one in search.tunables
    )
    return replace(search, tunables=tunables, reranker=None)


def repeat_search(search: Search, searched: Searched) -> Search:
    """Return the search that repeats an earlier one without time limits; with a reranker only if that one had it."""
    tried = {component.model for component in searched.components}
    reranker = search.reranker if RERANKER in tried else None
    return replace(search, repeated=searched.components, reranker=reranker, rerank_seconds=inf)
