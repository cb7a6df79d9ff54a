"""The report of a night: one JSON document, and the same as a page of Markdown."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from nightschool.columns import INTERACTIONS, RECOMMENDATIONS, SOURCE, USER_ID
from nightschool.night.monitoring.shifts import in_words
from nightschool.night.night import Night, Unchanged
from nightschool.night.records import (
    IngestRecord,
    PrepareRecord,
    ProveRecord,
    PublishRecord,
    RecommendRecord,
    RefitRecord,
    SelectRecord,
    ValidateRecord,
)
from nightschool.night.reporting.alpha import best_alpha
from nightschool.night.reporting.freshness import EVENTS, PLACES, YOUNG
from nightschool.night.reporting.metrics import figures_in_markdown, number
from nightschool.settings import Settings
from nightschool.storage.as_of import scan_at
from nightschool.storage.mlflow_addresses import run_page
from nightschool.storage.release_reader import Reader
from nightschool.storage.releases import Release
from nightschool.vocabulary import AUDIENCE_LIST

Document = Mapping[str, Any]

_SHOWN_HISTORY = 5
_SHOWN_ITEMS = 5
_TYPICAL_HISTORY = 20


def already_decided(night: Release | Unchanged, ingested: IngestRecord) -> dict[str, Any]:
    """Return the report of a night that does not run: it was stored before, or nothing but T has changed."""
    release = night.release if isinstance(night, Unchanged) else night
    if isinstance(night, Unchanged):
        status, sentence = (
            "unchanged",
            f"nothing but T has changed since release {release.release_id}, which stays current",
        )
    else:
        status = "already published"
        sentence = (
            f"release {release.release_id} was already {release.status} from the same data, configuration and code"
        )
    came = ingested.model_dump(mode="json")
    return {
        "status": status,
        "release_id": release.release_id,
        "as_of": night.as_of.isoformat(),
        "rows": came["rows"],
        "files": came["files"],
        "warnings": came["warnings"],
        "sentence": sentence,
    }


def night_report(night: Night, ingested: IngestRecord, published: PublishRecord) -> dict[str, Any]:
    """Return the report of a night that ran, from the records that its stages left behind."""
    validated, prepared = night.require(ValidateRecord), night.require(PrepareRecord)
    selected, proved = night.require(SelectRecord), night.require(ProveRecord)
    refitted, recommended = night.require(RefitRecord), night.require(RecommendRecord)
    came, chosen = ingested.model_dump(mode="json"), selected.model_dump(mode="json")
    measured = {record.stage: dict(record.measured()) for record in night.finished() if record.measured()}
    return {
        "status": published.status,
        "release_id": published.release_id,
        "dataset": night.manifest.name,
        "as_of": night.identity.as_of.isoformat(),
        "rows": came["rows"],
        "files": came["files"],
        "protocol": prepared.protocol,
        "warnings": [
            *ingested.warnings,
            *validated.warnings,
            *night.warnings,
            *prepared.warnings,
            *refitted.notes,
            *(in_words(shift) for shift in recommended.shifts),
        ],
        "alarms": [in_words(shift) for shift in recommended.shifts if shift.persists],
        "signals": [dict(row) for row in prepared.signals],
        "tuned": selected.tuned,
        "search": selected.bought,
        "candidates": chosen["candidates"],
        "trials": dict(Counter(trial.model for trial in selected.trials if not trial.cut)),
        "failures": chosen["failures"],
        "sweep": chosen["sweep"],
        "alpha": best_alpha(selected.sweep),
        "mlflow_run_id": refitted.mlflow_run_id,
        "roles": [role.model_dump(mode="json") for role in proved.roles],
        "gates": [gate.to_dict() for gate in (*proved.gates, *recommended.gates)],
        "decision": proved.decision,
        "sentence": proved.sentence,
        "tables": dict(recommended.rows),
        "freshness": dict(recommended.freshness),
        **({"measured": measured} if measured else {}),
        "learner": sample_user(night) if published.release_id else None,
    }


def sample_user(night: Night) -> dict[str, Any]:
    """Return one user's newest history and the top of their list, as an example to look at.

    The user has a personal list and the history nearest to 20 interactions; ties go to the lowest id.
    """
    reader = Reader.of(night.home, night.identity.release_id)
    history = scan_at(night.home.lake, INTERACTIONS, night.identity.as_of)
    personal = reader.table(RECOMMENDATIONS).filter(pl.col(SOURCE) != AUDIENCE_LIST).select(USER_ID).unique()
    lengths = history.group_by(USER_ID).agg(pl.len().cast(pl.Int64).alias("n")).join(personal, on=USER_ID, how="semi")
    nearest = lengths.sort((pl.col("n") - _TYPICAL_HISTORY).abs(), USER_ID).select(USER_ID).head(1).collect()
    if nearest.is_empty():
        return {"user_id": None, "history": [], "items": []}
    user_id = nearest.item()
    return {
        "user_id": user_id,
        "history": reader.history(user_id, _SHOWN_HISTORY),
        "items": reader.user_list(str(user_id), _SHOWN_ITEMS, night.manifest.audience),
    }


def in_markdown(report: Document, picture: str = "") -> str:
    """Render the report as a page of Markdown; of a night that did not run, what became of its files and rows.

    Args:
        report: The report.
        picture: The address of the picture of the α curve, which is shown with the summary; empty without.
    """
    title = f"# {report['status']}: {report['release_id'] or report['dataset']}"
    lines = [title, "", report["sentence"], *_links(report), "", f"- T: {report['as_of']}"]
    if "protocol" not in report:
        lines += [*_notes(report["warnings"]), *_rows_in_markdown(report["rows"])]
        return "\n".join(lines) + "\n"
    lines += [*_summary(report), *(["", f"![Quality over α]({picture})"] if picture else [])]
    lines += _rows_in_markdown(report["rows"])
    for section in (_signals, _on_the_test, _ages, _measured, _gates):
        lines += section(report)
    return "\n".join(lines) + "\n"


def _links(report: Document) -> list[str]:
    """Link the night's release and its MLflow run."""
    settings, links = Settings(), []
    if report["release_id"]:
        links.append(f"[The release]({settings.page}/operator?releases=all#release-{report['release_id']})")
    if report.get("mlflow_run_id"):
        links.append(f"[the night in MLflow]({settings.mlflow_page}{run_page(report['mlflow_run_id'])})")
    return ["", ", ".join(links)] if links else []


def _summary(report: Document) -> list[str]:
    lines = [f"- {report['alpha']}"] if report["alpha"] else []
    lines.append(f"- proved on: {report['protocol']}")
    if report["search"]:
        lines.append(f"- search: {report['search']}")
    if report["trials"]:
        counts = ", ".join(f"{model} {count}" for model, count in report["trials"].items())
        lines.append(f"- settings tried, the defaults among them: {counts}")
    tried = [f"{one['name']}, when tried: {one['note']}" for one in report["candidates"] if one["note"]]
    return [*lines, *_notes([*report["warnings"], *tried])]


def _notes(warnings: Sequence[str]) -> list[str]:
    return [f"- note: {warning}" for warning in warnings]


def _signals(report: Document) -> list[str]:
    lines = ["", "## Signals and filters", "", "| rule | setting | rows | users | items |", "|---|---|---:|---:|---:|"]
    for effect in report["signals"]:
        figures = [f"{effect[key]:,}" for key in ("rows", "users", "items")]
        lines.append(f"| {effect['rule']} | {effect['setting']} | {' | '.join(figures)} |")
    return lines


def _on_the_test(report: Document) -> list[str]:
    lines = ["", "## On the test", "", "| role | ndcg@10 | 95 % interval |", "|---|---:|---|"]
    for role in report["roles"]:
        value, low, high = role["metrics"]["ndcg@10"]
        lines.append(f"| {role['name']} | {number(value)} | {number(low)} – {number(high)} |")
    return [*lines, "", "## Every metric on the test", "", *figures_in_markdown(report["roles"])]


def _ages(report: Document) -> list[str]:
    lines = ["", "## Ages of items", "", "| younger than | recent events | places 1–10 |", "|---|---:|---:|"]
    for age in YOUNG:
        shares = [number(report["freshness"][f"{share}_{age}"]) for share in (EVENTS, PLACES)]
        lines.append(f"| {age} | {' | '.join(shares)} |")
    return lines


def _measured(report: Document) -> list[str]:
    """Render the stages' own figures, one section a stage that has some."""
    lines: list[str] = []
    for stage, figures in report.get("measured", {}).items():
        lines += ["", f"## Measured by the stage {stage}", "", "| figure | value |", "|---|---:|"]
        lines += [f"| {name} | {number(value)} |" for name, value in figures.items()]
    return lines


def _gates(report: Document) -> list[str]:
    lines = ["", "## Gates", "", "| gate | passed | seen | demanded |", "|---|---|---|---|"]
    rows = [(g["name"], "yes" if g["passed"] else "NO", g["seen"], g["demanded"]) for g in report["gates"]]
    return [*lines, *(f"| {' | '.join(row)} |" for row in rows)]


def _rows_in_markdown(rows: Document) -> list[str]:
    lines = ["", "## Rows", "", "| table | in | known | accepted | quarantined | set aside | withdrawn |"]
    lines += ["|---|---:|---:|---:|---:|---:|---:|"]
    for name, counts in rows.items():
        keys = ("rows_in", "already_known", "accepted", "quarantined", "set_aside", "withdrawn")
        lines.append(f"| {name} | {' | '.join(f'{counts.get(key, 0):,}' for key in keys)} |")
    return lines
