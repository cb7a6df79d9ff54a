"""Stage prove: challenger, champion and popularity, refitted and compared once on the test."""

import logging
from dataclasses import replace
from pathlib import Path

import polars as pl
from prefect import task
from prefect.cache_policies import NO_CACHE

from models.catalog import build
from nightschool.application.stage import resumable
from nightschool.data.splits.splitting import test_split
from nightschool.evaluation.gaps import gaps_to_others
from nightschool.evaluation.segments import attribute_segments, segments
from nightschool.night.logged_lists import LoggedLists
from nightschool.night.night import Night
from nightschool.night.prove import ComparisonOnTest, Fairness, compare_on_test, measuring, published_role
from nightschool.night.records import PrepareRecord, ProveRecord, SelectRecord
from nightschool.night.reporting.metrics import describe_roles
from nightschool.settings import Settings
from nightschool.shown.lake_table import shown_at
from nightschool.spark.prove import Asked, measuring_on_parts
from tasks.prepare import load, prepared_folder

_METRICS = "metrics.parquet"

logger = logging.getLogger("nightschool.tasks")


@task(cache_policy=NO_CACHE)
def prove(night: Night, prepared: PrepareRecord, selected: SelectRecord) -> ProveRecord:
    """Compare the chosen recipe with the champion and popularity on the test, once, and approve one of them."""
    record = resumable(night, ProveRecord, lambda folder: _prove(night, prepared, selected, folder))
    logger.info("prove: %s: %s", record.decision, record.sentence)
    return record


def proved_metrics(night: Night) -> pl.DataFrame:
    """Return what was measured on the test, as rows of the metrics table without a release."""
    return pl.read_parquet(night.folder / ProveRecord.stage / _METRICS, glob=False)


def _prove(night: Night, prepared: PrepareRecord, selected: SelectRecord, folder: Path) -> ProveRecord:
    config, settings = night.config, Settings()
    asked = ComparisonOnTest(
        challenger=selected.recipe,
        champion=night.champion_recipe,
        anchor=night.anchor_recipe,
        promotion_error=night.promotion_error,
        underpowered=prepared.underpowered,
        cutoffs=config.cutoffs,
        seed=config.seed,
        megabytes=settings.block_megabytes,
    )
    if night.on_spark:
        work = folder / "work"
        found = measuring_on_parts(Asked(prepared_folder(night), work, config.cutoffs, settings.block_megabytes))
        groups, measure = found.groups, found.measure
        asked = replace(asked, fairness=Fairness(groups, config.fairness, config.fairness_margin))
    else:
        data = load(night, prepared)
        split = test_split(data.log, data.cut)
        shown = shown_at(night.home.lake, night.identity.as_of)
        groups = {**segments(split.fitted), **attribute_segments(split.fitted.users, split.fitted.audience)}
        asked = replace(
            asked,
            fairness=Fairness(groups, config.fairness, config.fairness_margin),
            logged=LoggedLists.find(shown, data.log.events, split, data.cut.test_from, settings.block_megabytes),
        )
        measure = measuring(split, asked, build)
    proof = compare_on_test(asked, measure)
    tables = [evaluation.table(role, "test", groups) for role, evaluation in proof.evaluations.items()]
    pl.concat([*tables, proof.chosen]).write_parquet(folder / _METRICS)
    return ProveRecord(
        recipe=proof.recipe,
        decision=proof.decision,
        sentence=proof.sentence,
        learnable=proof.learnable,
        gates=proof.gates,
        roles=describe_roles(proof.evaluations, config.cutoffs),
        gaps=tuple(gaps_to_others(proof.evaluations[published_role(proof.decision)], groups)),
    )
