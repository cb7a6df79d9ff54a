"""Stage select: models, hyper-parameters and α, chosen on validation."""

import logging
from dataclasses import replace
from pathlib import Path

import polars as pl
from prefect import task
from prefect.cache_policies import NO_CACHE

from models.catalog import build, create
from nightschool.application.search import search_for, settled_search
from nightschool.application.stage import resumable
from nightschool.contract import Split
from nightschool.data.splits.rotating import ValidationCuts
from nightschool.evaluation.segments import segments
from nightschool.night.night import Night
from nightschool.night.records import PrepareRecord, SelectRecord
from nightschool.night.reporting.metrics import describe_selection
from nightschool.night.selection.data_curve import measure_data_curve
from nightschool.night.selection.reranking import with_reranker
from nightschool.night.selection.select import choose_recipe
from nightschool.night.selection.selection import Selection
from tasks.prepare import load

logger = logging.getLogger("nightschool.tasks")


@task(cache_policy=NO_CACHE)
def select(night: Night, prepared: PrepareRecord) -> SelectRecord:
    """Choose tonight's recipe on validation: models, hyper-parameters and α or the weights of a blend."""
    record = resumable(night, SelectRecord, lambda folder: _select(night, prepared, folder))
    logger.info("select: %s; %s", record.recipe.name, record.bought or "not searched tonight")
    return record


def _select(night: Night, prepared: PrepareRecord, folder: Path) -> SelectRecord:
    data = load(night, prepared)
    cuts = ValidationCuts(data.log, data.cut, night.config.seed)
    split, champion = cuts[0], night.champion_recipe
    search = search_for(night.config, split.fitted)
    if champion is not None and not night.tune:
        settled = choose_recipe([split], settled_search(champion, search), create)
        selection = replace(settled, bought="")
    else:
        selection = with_reranker(choose_recipe(cuts, search, create), cuts, search, build)
    curve = measure_data_curve(split, create, night.config.seed) if night.tune else None
    measured = _metrics(selection, split)
    (measured if curve is None else pl.concat([measured, curve])).write_parquet(folder / "metrics.parquet")
    record = describe_selection(selection, night.config.cutoffs, tuned=night.tune)
    if champion is not None and not night.tune:
        record = record.model_copy(update={"recipe": champion})
    return record


def _metrics(selection: Selection, split: Split) -> pl.DataFrame:
    """Return the metrics of every candidate, every α, the blend and the reranker, as rows of the metrics table."""
    groups = segments(split.fitted)
    measured = {candidate.component.model: candidate.evaluation for candidate in selection.candidates}
    measured |= {selection.hybrid[alpha].name: evaluation for alpha, evaluation in selection.sweep.items()}
    further = [one for one in (selection.blend, selection.reranked) if one is not None]
    measured |= {candidate.recipe.name: candidate.evaluation for candidate in further}
    return pl.concat([evaluation.table(name, split.name, groups) for name, evaluation in measured.items()])
