"""Stage publish: tables, then one atomic commit that moves the pointer; then the MLflow alias follows."""

import polars as pl
from prefect import task
from prefect.artifacts import create_table_artifact
from prefect.cache_policies import NO_CACHE

from nightschool.application.measure import measured
from nightschool.application.stage import failed_on_io
from nightschool.application.tracking import prune_releases, registry
from nightschool.errors import GateRefused
from nightschool.night.gates import require
from nightschool.night.night import Night
from nightschool.night.records import ProveRecord, PublishRecord, RecommendRecord, RefitRecord
from nightschool.night.release.publish import describe_gates, draft_release, publish_release
from tasks.recommend import tables_folder


@task(cache_policy=NO_CACHE, retries=2, retry_delay_seconds=[2, 20], retry_condition_fn=failed_on_io)
def publish(
    night: Night, proved: ProveRecord, refitted: RefitRecord, recommended: RecommendRecord, dry_run: bool
) -> PublishRecord:
    """Store the release and make it current, unless a table gate refuses it or the run is dry.

    Raises:
        GateRefused: A table gate refused; the refusal is on record and the last good release stays current.
    """
    with measured(PublishRecord.stage):
        return _publish(night, proved, refitted, recommended, dry_run)


def _publish(
    night: Night, proved: ProveRecord, refitted: RefitRecord, recommended: RecommendRecord, dry_run: bool
) -> PublishRecord:
    if dry_run:
        require(recommended.gates)
        return PublishRecord(release_id=None, status="dry run")
    draft = draft_release(night, proved, describe_gates(night, proved, recommended), refitted.mlflow_run_id)
    try:
        require(recommended.gates)
    except GateRefused as refusal:
        rows = [gate.to_dict() for gate in recommended.gates]
        create_table_artifact(rows, key="gates", description=str(refusal))
        night.home.releases.refuse(draft.model_copy(update={"reason": str(refusal)}))
        night.close()
        raise
    release = publish_release(night, draft, tables_folder(night), _metrics(night))
    if night.moves_pointer:
        registry(night.home).reconcile(release.release_id)
    prune_releases(night.home, night.config.keep)
    return PublishRecord(release_id=release.release_id, status=release.status)


def _metrics(night: Night) -> pl.DataFrame:
    """Read the metrics that the stages measured, in the order of the stages."""
    files = [night.folder / record.stage / "metrics.parquet" for record in night.finished()]
    return pl.concat([pl.read_parquet(file, glob=False) for file in files if file.exists()])
