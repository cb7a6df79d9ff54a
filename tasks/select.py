"""Stage 4: models, hyper-parameters and α, chosen on validation."""

from dataclasses import replace
from pathlib import Path

import polars as pl
from prefect import task
from prefect.cache_policies import NO_CACHE

from models.catalog import build, create
from nightschool.application.search import repeat_search, search_for, settled_search
from nightschool.application.stage import Record, resumable
from nightschool.data.splits.splitting import validation_split
from nightschool.evaluation.segments import segments
from nightschool.night.night import Night
from nightschool.night.reporting.metrics import describe_selection
from nightschool.night.selection.reranking import with_reranker
from nightschool.night.selection.select import select as choose
from tasks.prepare import load


@task(cache_policy=NO_CACHE)
def select(night: Night, data: Record) -> Record:
    """The recipe of tonight, and what every candidate and every α measured on validation."""
    return resumable(night, "select", lambda folder: _select(night, data, folder))


def _select(night: Night, data: Record, folder: Path) -> Record:
    prepared = load(night, data)
    split = validation_split(prepared.log, prepared.cut)
    search = search_for(night.config)
    champion = night.champion_recipe
    if champion is not None and not night.tune:
        search = settled_search(champion, search)
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
