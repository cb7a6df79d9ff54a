"""Stage prove: challenger, champion and popularity, refitted and compared once on the test."""

import logging
from pathlib import Path

import polars as pl
from prefect import task
from prefect.cache_policies import NO_CACHE

from models.catalog import build
from nightschool.application.stage import resumable
from nightschool.data.splits.splitting import test_split
from nightschool.evaluation.segments import segments
from nightschool.night.night import Night
from nightschool.night.prove import ComparisonOnTest, compare_on_test
from nightschool.night.records import PrepareRecord, ProveRecord, SelectRecord
from nightschool.night.reporting.metrics import describe_roles
from nightschool.settings import Settings
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
    split = test_split(data.log, data.cut)
    asked = ComparisonOnTest(
        challenger=selected.recipe,
        champion=night.champion_recipe,
        underpowered=data.cut.underpowered,
        cutoffs=night.config.cutoffs,
        seed=night.config.seed,
        megabytes=Settings().block_megabytes,
    )
    proof = compare_on_test(split, asked, build)
    groups = segments(split.fitted)
    tables = [evaluation.table(role, split.name, groups) for role, evaluation in proof.evaluations.items()]
    pl.concat([*tables, proof.chosen]).write_parquet(folder / _METRICS)
    return ProveRecord(
        recipe=proof.recipe,
        decision=proof.decision,
        sentence=proof.sentence,
        learnable=proof.learnable,
        gates=proof.gates,
        roles=describe_roles(proof.evaluations, night.config.cutoffs),
    )
