"""Stage 9: the night for people: a report, and artifacts in Prefect."""

from collections.abc import Mapping
from typing import Any

from prefect import task
from prefect.artifacts import create_markdown_artifact, create_table_artifact
from prefect.cache_policies import NO_CACHE

from nightschool.application.stage import Record
from nightschool.ingest.ingest import IngestReport
from nightschool.night.night import Night, Unchanged
from nightschool.night.reporting.report import already_decided, in_markdown, night_report
from nightschool.storage.releases import Release


@task(cache_policy=NO_CACHE)
def report(night: Night, taken: IngestReport, checked: Record, stages: Mapping[str, Record]) -> dict[str, Any]:
    """The night's report; Prefect keeps it as artifacts, and the night's working files go."""
    document = night_report(night, taken, stages, checked["warnings"])
    create_markdown_artifact(in_markdown(document), key="night", description="What the night did")
    create_table_artifact(_metric_rows(document["candidates"]), key="candidates", description="On validation")
    create_table_artifact(_metric_rows(document["sweep"]), key="alpha-sweep", description="On validation, by α")
    create_table_artifact(document["gates"], key="gates", description="What was asked before publishing")
    night.close()
    return document


def report_decided(night: Release | Unchanged, taken: IngestReport) -> dict[str, Any]:
    """Return the report of a night that does not run; Prefect keeps what became of its files and rows."""
    document = already_decided(night, taken)
    create_markdown_artifact(in_markdown(document), key="night", description="What the night did")
    return document


def _metric_rows(measured: list[Record]) -> list[dict[str, Any]]:
    return [
        {"name": entry["name"]} | {metric: figure[0] for metric, figure in entry["metrics"].items()}
        for entry in measured
    ]
