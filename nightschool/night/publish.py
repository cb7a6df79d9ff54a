"""Making a release visible: its tables first, then one fenced commit that moves the pointer."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import polars as pl

from nightschool.columns import METRICS, RECOMMENDATIONS, RELEASE_ID, RELEASE_TABLES, Table
from nightschool.night.recommend import read_table
from nightschool.night.run import Night
from nightschool.storage.fingerprints import content_hash
from nightschool.storage.releases import Draft, Release
from nightschool.storage.serving_files import write_serving_files


def draft_release(night: Night, verdict: Mapping[str, Any], gates: Mapping[str, Any], mlflow_run_id: str) -> Draft:
    """What the night knows of its release before the tables are written."""
    identity = night.identity
    return Draft(
        release_id=identity.release_id,
        as_of=identity.as_of,
        run_key=identity.run_key,
        data_fingerprint=identity.data,
        code_version=identity.code,
        environment=identity.environment,
        config=night.config.model_dump(mode="json"),
        recipe=verdict["recipe"],
        mlflow_run_id=mlflow_run_id,
        gates=gates,
        reason=verdict["sentence"],
    )


def publish_release(night: Night, draft: Draft, tables: Path, metrics: pl.DataFrame) -> Release:
    """The release, now current; its tables replace what an earlier try left behind.

    Raises:
        Busy: Another release was published since the night began.
        GateRefused: Publishing was put on hold since the night began.
    """
    hashes: dict[str, str] = {}
    counts: dict[str, int] = {}
    # Delta writes with one core: the rows are hashed with another meanwhile.
    with ThreadPoolExecutor(1) as hashing:
        for table in RELEASE_TABLES:
            rows = metrics.lazy() if table is METRICS else _staged(night, tables, table)
            frame = _complete(night, table, rows)
            hashed = hashing.submit(content_hash, frame, table)
            night.home.lake.replace_release(table, draft.release_id, frame)
            counts[table.name] = frame.select(pl.len()).collect().item()
            if table is RECOMMENDATIONS:
                write_serving_files(night.home.paths.serving, draft.release_id, frame.collect())
            hashes[table.name] = hashed.result()
    whole = draft.model_copy(update={"content_hashes": hashes, "row_counts": counts})
    return night.home.releases.publish(whole, night.base_version)


def _staged(night: Night, tables: Path, table: Table) -> pl.LazyFrame:
    if not (tables / table.name).exists():
        return pl.LazyFrame(schema=night.home.lake.schema(table)).drop(RELEASE_ID)
    return read_table(tables, table)


def _complete(night: Night, table: Table, rows: pl.LazyFrame) -> pl.LazyFrame:
    """The rows with the release's id, columns in the table's order, components' columns after them."""
    fixed = night.home.lake.schema(table).names()
    named = rows.with_columns(pl.lit(night.identity.release_id).alias(RELEASE_ID))
    return named.select(*fixed, *(name for name in named.collect_schema().names() if name not in fixed))
