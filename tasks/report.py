"""The end of a night for its operators: a report, and artifacts in Prefect."""

from collections.abc import Sequence
from typing import Any

from prefect import task
from prefect.artifacts import create_markdown_artifact, create_table_artifact
from prefect.cache_policies import NO_CACHE

from nightschool.night.night import Night, Unchanged
from nightschool.night.records import AlphaEntry, CandidateEntry, IngestRecord, PublishRecord, SelectRecord
from nightschool.night.reporting.report import already_decided, in_markdown, night_report
from nightschool.storage.releases import Release


@task(cache_policy=NO_CACHE)
def report(night: Night, ingested: IngestRecord, published: PublishRecord) -> dict[str, Any]:
    """Write the night's report, keep it as artifacts in Prefect, and remove the night's working files."""
    document, selected = night_report(night, ingested, published), night.require(SelectRecord)
    create_markdown_artifact(in_markdown(document), key="night", description="The report of the night.")
    create_table_artifact(_means(selected.candidates), key="candidates", description="Candidates on validation.")
    create_table_artifact(_means(selected.sweep), key="alpha-sweep", description="Each α of the sweep on validation.")
    create_table_artifact(document["gates"], key="gates", description="The gates before publishing.")
    night.close()
    return document


def report_decided(night: Release | Unchanged, ingested: IngestRecord) -> dict[str, Any]:
    """Write the report of a night that does not run, and keep it as an artifact in Prefect."""
    document = already_decided(night, ingested)
    create_markdown_artifact(in_markdown(document), key="night", description="The report of the night.")
    return document


def _means(measured: Sequence[CandidateEntry | AlphaEntry]) -> list[dict[str, Any]]:
    """Return one row an entry: its name, and the mean of each metric."""
    return [{"name": entry.name} | {metric: mean for metric, (mean, *_) in entry.metrics.items()} for entry in measured]
