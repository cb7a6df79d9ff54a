"""Stage 4: models, hyper-parameters and α, chosen on validation."""

from collections.abc import Mapping
from dataclasses import replace
from math import inf
from pathlib import Path
from typing import Any

import polars as pl
from prefect import task
from prefect.cache_policies import NO_CACHE

from models.catalog import build, create, create_reranker, space
from nightschool.contract import RERANKER, Recipe
from nightschool.data.splits.splitting import validation_split
from nightschool.evaluation.segments import segments
from nightschool.night.config import NightConfig
from nightschool.night.lineage import Searched
from nightschool.night.night import Night
from nightschool.night.reporting.metrics import describe_selection
from nightschool.night.selection.reranking import with_reranker
from nightschool.night.selection.select import Search
from nightschool.night.selection.select import select as choose
from nightschool.night.selection.tuning import Budget, Tunable
from nightschool.settings import Settings
from tasks.prepare import load
from tasks.stage import Record, resumable


@task(cache_policy=NO_CACHE)
def select(night: Night, data: Record) -> Record:
    """The recipe of tonight, and what every candidate and every α measured on validation."""
    return resumable(night, "select", lambda folder: _select(night, data, folder))


def search_for(config: NightConfig, decisive_k: int = 10) -> Search:
    """What the configuration says to try: each model, its fixed hyper-parameters, and the budget that they share.

    Raises:
        ConfigurationError: A model or hyper-parameter does not exist, or a value is out of range.
    """
    for model, params in config.params.items():
        create_reranker(params) if model == RERANKER else create(model, params)
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
        reranker_defaults=create_reranker({}).config.model_dump(mode="json"),
        rerank_seconds=config.rerank_seconds,
    )


def _tunable(model: str, fixed: Mapping[str, Any]) -> Tunable:
    free = {name: values for name, values in space(model).items() if name not in fixed}
    unfitted = create(model, fixed)
    return Tunable(model, fixed, free, unfitted.config.model_dump(mode="json"), unfitted.personal)


def _settled(champion: Recipe, search: Search) -> Search:
    """One setting a model, for people to look at: the champion's, else the defaults."""
    settled = {component.model: component.params for component in champion.components}
    tunables = tuple(
        Tunable(one.model, settled.get(one.model, one.fixed), personal=one.personal) for one in search.tunables
    )
    return replace(search, tunables=tunables, reranker=None)


def repeat_search(search: Search, searched: Searched) -> Search:
    """Return the search that tries what an earlier one did, without a clock; a reranker only if that one tried it."""
    tried = {component.model for component in searched.components}
    reranker = search.reranker if RERANKER in tried else None
    return replace(search, repeated=searched.components, reranker=reranker, rerank_seconds=inf)


def _select(night: Night, data: Record, folder: Path) -> Record:
    prepared = load(night, data)
    split = validation_split(prepared.log, prepared.cut)
    search = search_for(night.config)
    champion = night.champion_recipe
    if champion is not None and not night.tune:
        search = _settled(champion, search)
    elif night.searched is not None:
        search = repeat_search(search, night.searched)
    single = choose(split, search, create)
    selection = with_reranker(single, split, search, build, champion)
    if night.searched is not None and not night.searched.reranked:
        selection = replace(selection, recipe=single.recipe)
    groups = segments(split.fitted)
    measured = {candidate.component.model: candidate.evaluation for candidate in selection.candidates}
    measured |= {selection.hybrid[alpha].name: evaluation for alpha, evaluation in selection.sweep.items()}
    further = [one for one in (selection.blend, selection.reranked) if one is not None]
    measured |= {candidate.recipe.name: candidate.evaluation for candidate in further}
    tables = [evaluation.table(name, split.name, groups) for name, evaluation in measured.items()]
    pl.concat(tables).write_parquet(folder / "metrics.parquet")
    record = describe_selection(selection, night.config.cutoffs)
    if champion is not None and not night.tune:
        record["recipe"] = champion.model_dump(mode="json")
    return {**record, "tuned": night.tune}
