"""Stage 8: tables, then one atomic commit that moves the pointer; then the MLflow alias follows."""

import polars as pl
from prefect import task
from prefect.artifacts import create_table_artifact
from prefect.cache_policies import NO_CACHE

from nightschool.application.measure import measured
from nightschool.application.stage import Record, failed_on_io
from nightschool.application.tracking import prune_releases, registry
from nightschool.errors import GateRefused
from nightschool.night.gates import Gate, require
from nightschool.night.night import Night
from nightschool.night.release.publish import describe_gates, draft_release, publish_release
from tasks.recommend import tables_folder


@task(cache_policy=NO_CACHE, retries=2, retry_delay_seconds=[2, 20], retry_condition_fn=failed_on_io)
def publish(night: Night, verdict: Record, model: Record, tables: Record, dry_run: bool) -> Record:
    """The id and status of the release that was stored; None after a dry run.

    Raises:
        GateRefused: A table gate said no; the refusal is on record and the last good release stays.
    """
    with measured("publish"):
        return _publish(night, verdict, model, tables, dry_run)


def _publish(night: Night, verdict: Record, model: Record, tables: Record, dry_run: bool) -> Record:
    gates = [Gate(**gate) for gate in tables["gates"]]
    if dry_run:
        require(gates)
        return {"release_id": None, "status": "dry run"}
    draft = draft_release(night, verdict, describe_gates(night, verdict, tables), model["mlflow_run_id"])
    try:
        require(gates)
    except GateRefused as refusal:
        create_table_artifact(tables["gates"], key="gates", description=str(refusal))
        night.home.releases.refuse(draft.model_copy(update={"reason": str(refusal)}))
        night.close()
        raise
    release = publish_release(night, draft, tables_folder(night), _metrics(night))
    if night.moves_pointer:
        registry(night.home).reconcile(release.release_id)
    prune_releases(night.home, night.config.keep)
    return {"release_id": release.release_id, "status": release.status}


def _metrics(night: Night) -> pl.DataFrame:
    stages = ("select", "prove", "recommend")
    return pl.concat([pl.read_parquet(night.folder / stage / "metrics.parquet", glob=False) for stage in stages])
