"""The end of a night for its operators: a report, and artifacts in Prefect."""

from base64 import b64encode
from collections.abc import Sequence
from typing import Any

from prefect import task
from prefect.artifacts import create_markdown_artifact, create_table_artifact
from prefect.cache_policies import NO_CACHE

from nightschool.charts.theme import as_svg
from nightschool.night.entries import AlphaEntry, CandidateEntry
from nightschool.night.night import Night, Unchanged
from nightschool.night.records import IngestRecord, PublishRecord, SelectRecord
from nightschool.night.reporting.alpha import alpha_curve, best_alpha
from nightschool.night.reporting.report import already_decided, in_markdown, night_report
from nightschool.storage.releases import Release


@task(cache_policy=NO_CACHE)
def report(night: Night, ingested: IngestRecord, published: PublishRecord) -> dict[str, Any]:
    """Write the night's report, keep it as artifacts in Prefect, and remove the night's working files."""
    document, selected = night_report(night, ingested, published), night.require(SelectRecord)
    text = in_markdown(document, _picture(selected))
    create_markdown_artifact(text, key="night", description="The report of the night.")
    rows = _means(selected.candidates, selected.recipe.name)
    create_table_artifact(rows, key="candidates", description="Candidates on validation.")
    best = next((one.name for one in selected.sweep if one.behind is None), "")
    create_table_artifact(_means(selected.sweep, best), key="alpha-sweep", description=best_alpha(selected.sweep))
    create_table_artifact(document["gates"], key="gates", description="The gates before publishing.")
    night.close()
    return document


def report_decided(night: Release | Unchanged, ingested: IngestRecord) -> dict[str, Any]:
    """Write the report of a night that does not run, and keep it as an artifact in Prefect."""
    document = already_decided(night, ingested)
    create_markdown_artifact(in_markdown(document), key="night", description="The report of the night.")
    return document


def _picture(selected: SelectRecord) -> str:
    """Return the picture of the α curve as an address that holds it; empty where no α was measured."""
    curve = alpha_curve(selected)
    return f"data:image/svg+xml;base64,{b64encode(as_svg(curve).encode()).decode()}" if curve is not None else ""


def _means(measured: Sequence[CandidateEntry | AlphaEntry], best: str) -> list[dict[str, Any]]:
    """Return one row an entry: a mark for the best, its name, and the means with three digits, what decides first."""
    rows = []
    for entry in measured:
        means = {name: None if mean is None else float(f"{mean:.3g}") for name, (mean, *_) in entry.metrics.items()}
        decisive = {name: value for name, value in means.items() if name == "ndcg@10"}
        rows.append({"best": "✓" if entry.name == best else "", "name": entry.name, **decisive, **means})
    return rows
