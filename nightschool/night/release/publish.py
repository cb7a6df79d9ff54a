"""Making a release visible: its tables first, then one fenced commit that moves the pointer."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any

import polars as pl

from nightschool.columns import HISTORIES, ITEMS, METRICS, RELEASE_ID, RELEASE_TABLES, Table
from nightschool.night.basis import describe_basis
from nightschool.night.lineage import CHAMPION, TUNED
from nightschool.night.night import Night
from nightschool.night.records import ContextualiseRecord, ProveRecord, RecommendRecord, SelectRecord
from nightschool.night.release.lists import LEARNED, read_table, staged_files
from nightschool.night.release.related_titles import related_titles
from nightschool.night.reporting.contexts import stored_contexts
from nightschool.night.text_vectors import Encodings, with_text_vectors
from nightschool.storage.as_of import scan_at
from nightschool.storage.fingerprints import content_hash
from nightschool.storage.release import (
    COMPARABLE,
    CONTEXTS,
    FIT_SECONDS,
    GAPS,
    ON_TEST,
    SHIFTS,
    UNEXPLAINED,
    Draft,
    Release,
)
from nightschool.storage.search_index import publish_search_index
from nightschool.storage.serving_files import SERVED, write_serving_files
from nightschool.storage.serving_networks import NETWORKS
from nightschool.storage.serving_weights import WEIGHTS


def draft_release(night: Night, proved: ProveRecord, gates: Mapping[str, Any], mlflow_run_id: str) -> Draft:
    """Build the row of the release as far as it is known before the tables are written."""
    identity = night.identity
    return Draft(
        release_id=identity.release_id,
        as_of=identity.as_of,
        run_key=identity.run_key,
        data_fingerprint=identity.data,
        code_version=identity.code,
        environment=identity.environment,
        config=night.config.deciding(),
        recipe=proved.recipe.model_dump(mode="json"),
        mlflow_run_id=mlflow_run_id,
        gates=gates,
        reason=proved.sentence,
    )


def describe_gates(night: Night, proved: ProveRecord, recommended: RecommendRecord) -> dict[str, Any]:
    """Return what a release stores besides its recipe: its gates, and what a repeat of its night must know."""
    return {
        TUNED: night.tune,
        "decision": proved.decision,
        "asked": [gate.to_dict() for gate in (*proved.gates, *recommended.gates)],
        CHAMPION: night.champion.release_id if night.champion else None,
        COMPARABLE: not night.basis_changes,
        ON_TEST: {role.name: role.metrics["ndcg@10"] for role in proved.roles},
        GAPS: [asdict(gap) for gap in proved.gaps],
        SHIFTS: [shift.model_dump(mode="json") for shift in recommended.shifts],
        UNEXPLAINED: list(recommended.unexplained),
        CONTEXTS: stored_contexts(night.record(ContextualiseRecord)),
        FIT_SECONDS: _fit_seconds(night.record(SelectRecord)),
        **describe_basis(night.manifest),
    }


def _fit_seconds(selected: SelectRecord | None) -> dict[str, float]:
    return {one.name: round(one.fit_seconds, 3) for one in selected.candidates} if selected else {}


def publish_release(night: Night, draft: Draft, tables: Path, metrics: pl.DataFrame) -> Release:
    """Write the tables of a release, then make it current, unless it is a backfill; return it as stored.

    Its tables replace those of an earlier try.

    Raises:
        Busy: Another release was published since the night began.
        GateRefused: Publishing was put on hold since the night began.
    """
    frames = {table.name: _staged(night, tables, table) for table in RELEASE_TABLES}
    frames[METRICS.name] = _complete(night, METRICS, metrics.lazy())
    for table in RELEASE_TABLES:
        files = staged_files(tables, table)
        if files:
            night.home.lake.take_release(table, draft.release_id, files)
        else:
            night.home.lake.replace_release(table, draft.release_id, frames[table.name])
    served = {table.name: frames.get(table.name, _staged(night, tables, table)) for table in SERVED}
    write_serving_files(night.home.paths.serving, draft.release_id, served)
    folder = night.home.paths.serving / draft.release_id
    items = scan_at(night.home.lake, ITEMS, night.identity.as_of).collect()
    columns = night.manifest.item_columns
    written = {
        **NETWORKS.publish(tables / LEARNED, folder),
        **WEIGHTS.publish(tables / LEARNED, folder),
        **publish_search_index(folder, items, columns, related_titles(_with_text_vectors(night, items), columns)),
    }
    with ThreadPoolExecutor() as hashing:
        hashed = {**frames, HISTORIES.name: served[HISTORIES.name]}
        hashes = hashing.map(content_hash, hashed.values(), (*RELEASE_TABLES, HISTORIES))
        content_hashes = {**dict(zip(hashed, hashes, strict=True)), **written}
    counts = {name: rows.select(pl.len()).collect().item() for name, rows in frames.items()}
    whole = draft.model_copy(update={"content_hashes": content_hashes, "row_counts": counts})
    if not night.moves_pointer:
        return night.home.releases.backfill(whole)
    return night.home.releases.publish(whole, night.base_version)


def _with_text_vectors(night: Night, items: pl.DataFrame) -> pl.DataFrame:
    """Add the vectors that the night's texts have."""
    encoder = night.manifest.items.text_encoder if night.manifest.items else None
    if encoder is None:
        return items
    return with_text_vectors(items, encoder, Encodings(night.home.paths.encodings, encodes=False)).items


def _staged(night: Night, tables: Path, table: Table) -> pl.LazyFrame:
    if not staged_files(tables, table):
        return pl.LazyFrame(schema=night.home.lake.schema(table))
    return _complete(night, table, read_table(tables, table))


def _complete(night: Night, table: Table, rows: pl.LazyFrame) -> pl.LazyFrame:
    """Add the release's id where the table has one, and order the columns, those of components last."""
    fixed = night.home.lake.schema(table).names()
    release_id = [pl.lit(night.identity.release_id).alias(RELEASE_ID)] if table.released else []
    named = rows.with_columns(release_id)
    return named.select(*fixed, *(name for name in named.collect_schema().names() if name not in fixed))
