"""Stage prove: challenger, champion and popularity, refitted and compared once on the test."""

import logging
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
from nightschool.night.prove import ComparisonOnTest, Fairness, compare_on_test, published_role
from nightschool.night.records import PrepareRecord, ProveRecord, SelectRecord
from nightschool.night.reporting.metrics import describe_roles
from nightschool.settings import Settings
from nightschool.shown.lake_table import shown_at
from tasks.prepare import load

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
    data = load(night, prepared)
    split, config = test_split(data.log, data.cut), night.config
    settings, test_from = Settings(), data.cut.test_from
    shown = shown_at(night.home.lake, night.identity.as_of)
    groups = {**segments(split.fitted), **attribute_segments(split.fitted)}
    asked = ComparisonOnTest(
        challenger=selected.recipe,
        champion=night.champion_recipe,
        anchor=night.anchor_recipe,
        promotion_error=night.promotion_error,
        underpowered=data.cut.underpowered,
        cutoffs=config.cutoffs,
        seed=config.seed,
        megabytes=settings.block_megabytes,
        fairness=Fairness(groups, config.fairness, config.fairness_margin),
        logged=LoggedLists.find(shown, data.log.events, split, test_from, settings.block_megabytes),
    )
    proof = compare_on_test(split, asked, build)
    tables = [evaluation.table(role, split.name, groups) for role, evaluation in proof.evaluations.items()]
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
