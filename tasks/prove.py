"""Stage 5: challenger, champion and popularity, refitted and compared once on the test."""

from pathlib import Path

import polars as pl
from prefect import task
from prefect.cache_policies import NO_CACHE

from models.catalog import build
from nightschool.application.stage import Record, resumable
from nightschool.contract import Recipe
from nightschool.data.splits.splitting import test_split
from nightschool.evaluation.segments import segments
from nightschool.night.night import Night
from nightschool.night.prove import ComparisonOnTest
from nightschool.night.prove import prove as compare
from nightschool.night.reporting.metrics import describe_roles
from nightschool.settings import Settings
from tasks.prepare import load


@task(cache_policy=NO_CACHE)
def prove(night: Night, data: Record, chosen: Record) -> Record:
    """The approved recipe, why, and the verdict of each model gate."""
    return resumable(night, "prove", lambda folder: _prove(night, data, chosen, folder))


def _prove(night: Night, data: Record, chosen: Record, folder: Path) -> Record:
    prepared = load(night, data)
    split = test_split(prepared.log, prepared.cut)
    asked = ComparisonOnTest(
        challenger=Recipe.model_validate(chosen["recipe"]),
        champion=night.champion_recipe,
        underpowered=prepared.cut.underpowered,
        cutoffs=night.config.cutoffs,
        seed=night.config.seed,
        megabytes=Settings().block_megabytes,
    )
    verdict = compare(split, asked, build)
    groups = segments(split.fitted)
    tables = [evaluation.table(role, split.name, groups) for role, evaluation in verdict.evaluations.items()]
    pl.concat(tables).write_parquet(folder / "metrics.parquet")
    return {
        "recipe": verdict.recipe.model_dump(mode="json"),
        "name": verdict.recipe.name,
        "decision": verdict.decision,
        "sentence": verdict.sentence,
        "learnable": verdict.learnable,
        "gates": [gate.to_dict() for gate in verdict.gates],
        "roles": describe_roles(verdict.evaluations, night.config.cutoffs),
    }
