"""Stage recommend: lists, pool, neighbours and fallbacks, and the gates that they must pass."""

import logging
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import polars as pl
from prefect import task
from prefect.cache_policies import NO_CACHE

from expectations.validation import check_batch
from models.catalog import load as load_model
from models.hybrid import Hybrid
from nightschool.application.stage import resumable
from nightschool.columns import ITEM_ID, RANK, RECOMMENDATIONS, SCORE, USER_ID
from nightschool.contract import Dataset
from nightschool.data.dataset import EventLog
from nightschool.data.normalization.limits import Limits
from nightschool.night.gates import Defects, ProposedLists, ask_table_gates
from nightschool.night.monitoring.exposure import item_groups
from nightschool.night.monitoring.lists import changed_lists
from nightschool.night.monitoring.monitor import judge_tonight, measure_tonight
from nightschool.night.monitoring.shifts import unaccepted
from nightschool.night.night import Night
from nightschool.night.records import ContextualiseRecord, PrepareRecord, ProveRecord, RecommendRecord, RefitRecord
from nightschool.night.release.lists import read_table
from nightschool.night.release.stability import Tie
from nightschool.night.release.tables import write_release_tables
from nightschool.night.reporting.freshness import births, freshness_figures, measure_freshness
from nightschool.spark.recommend import recommend_on_parts
from tasks.prepare import load, prepared_folder
from tasks.prove import proved_metrics
from tasks.refit import content_weights, model_folder

logger = logging.getLogger("nightschool.tasks")


@task(cache_policy=NO_CACHE)
def recommend(
    night: Night, prepared: PrepareRecord, refitted: RefitRecord, contextual: ContextualiseRecord
) -> RecommendRecord:
    """Write the tables of the release below the night's folder, and ask the table gates about the lists."""
    logger.info("recommend: lists by %s", refitted.recipe)
    return resumable(night, RecommendRecord, lambda folder: _recommend(night, prepared, contextual, folder))


def tables_folder(night: Night) -> Path:
    """Return the folder of the tables that wait to be published."""
    return night.folder / RecommendRecord.stage


def _recommend(night: Night, prepared: PrepareRecord, contextual: ContextualiseRecord, folder: Path) -> RecommendRecord:
    made = _on_spark(night, contextual, folder) if night.on_spark else _here(night, prepared, contextual, folder)
    log, lists, config = made.log, made.lists, night.config
    dataset = log.dataset()
    kinds = item_groups(dataset, births(log), night.identity.as_of)
    ages = measure_freshness(log, lists, night.identity.as_of)
    measured = pl.concat([ages, measure_tonight(night, lists, dataset, kinds)])
    measured.write_parquet(folder / "metrics.parquet")
    shifts = judge_tonight(night, night.require(ProveRecord), [proved_metrics(night), measured])
    proposed = _proposed(night, lists, dataset, personal=made.personal)
    proposed = replace(
        proposed,
        changed=changed_lists(measured),
        shifts=unaccepted(shifts) if config.shifts == "refuse" else (),
        shown=made.shown,
    )
    return RecommendRecord(
        rows=made.rows,
        gates=tuple(ask_table_gates(proposed, made.defects)),
        shifts=shifts,
        tie=made.tie.strength,
        changed=proposed.changed,
        changed_untied=made.tie.untied,
        freshness=freshness_figures(ages),
        unexplained=made.unexplained,
    )


class _Made(NamedTuple):
    """The tables that were written, and what is asked about them.

    Attributes:
        rows: Table to its number of rows.
        tie: What ties the lists to those of the release before.
        personal: Whether any component ranks differently for different users.
        unexplained: Components whose items are listed without a reason.
        log: Everything known at T; on Spark, of a random sample of the users.
        lists: Their lists.
        defects: What the gates counted in all lists; None: they are all among those.
        shown: How many items are in any list; None likewise.
    """

    rows: Mapping[str, int]
    tie: Tie
    personal: bool
    unexplained: tuple[str, ...]
    log: EventLog
    lists: pl.DataFrame
    defects: Defects | None = None
    shown: int | None = None


def _here(night: Night, prepared: PrepareRecord, contextual: ContextualiseRecord, folder: Path) -> _Made:
    log, recommender = load(night, prepared).log, load_model(model_folder(night))
    counts, tie = write_release_tables(night, log, recommender, content_weights(night), contextual, folder)
    lists = read_table(folder, RECOMMENDATIONS).select(USER_ID, ITEM_ID, RANK, SCORE).collect()
    return _Made(counts, tie, *_about(recommender), log, lists)


def _on_spark(night: Night, contextual: ContextualiseRecord, folder: Path) -> _Made:
    folders = prepared_folder(night), night.folder / RefitRecord.stage
    found = recommend_on_parts(night, folders, content_weights(night), contextual, folder)
    about = _about(load_model(model_folder(night)))
    return _Made(found.rows, found.tie, *about, found.log, found.lists, found.listed.defects, len(found.listed.items))


def _about(recommender: Hybrid) -> tuple[bool, tuple[str, ...]]:
    personal = any(part.personal for part in recommender.parts.values())
    return personal, tuple(sorted(recommender.unexplained))


def _proposed(night: Night, lists: pl.DataFrame, dataset: Dataset, *, personal: bool) -> ProposedLists:
    report = check_batch(RECOMMENDATIONS.name, lists, Limits.of(night.manifest, night.identity.as_of))
    current = night.home.lake.scan(RECOMMENDATIONS, night.champion.release_id) if night.champion else None
    return ProposedLists(
        lists=lists,
        dataset=dataset,
        k=night.config.k,
        # What is popular is nearly one list for everyone, and must be allowed to be.
        coverage_floor=night.config.coverage_floor if personal else 0.0,
        broken_rules=[outcome.reason for outcome in report.outcomes if not outcome.passed],
        current=current,
        churn_ceiling=night.config.churn_ceiling,
    )
