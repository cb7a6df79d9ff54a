"""Stage validate: the tables as of T against their expectation suites, and Data Docs of what was observed."""

from dataclasses import asdict
from datetime import UTC, datetime

import polars as pl
from prefect import task
from prefect.cache_policies import NO_CACHE

from expectations.docs import write_docs
from expectations.facts import Known
from expectations.report import SuiteReport
from expectations.validation import check_batch
from nightschool.application.stage import resumable
from nightschool.columns import (
    AVAILABLE_AT,
    BYTES,
    FILE,
    HELD,
    INTERACTIONS,
    ITEMS,
    QUARANTINE,
    READ_AT,
    ROWS,
    SOURCES,
    STATE,
    TABLE,
    USERS,
    Table,
)
from nightschool.data.normalization.limits import Limits
from nightschool.night.entries import RuleEntry
from nightschool.night.night import Night
from nightschool.night.records import ValidateRecord
from nightschool.storage.as_of import scan_at
from nightschool.storage.lake import Lake


@task(cache_policy=NO_CACHE)
def validate(night: Night) -> ValidateRecord:
    """Check every rule of every table as of T; broken critical rules refuse the night, others are warnings."""
    return resumable(night, ValidateRecord, lambda _: _check_tables(night))


def _check_tables(night: Night) -> ValidateRecord:
    reports = [_check(night, table) for table in _declared(night)]
    write_docs(night.home.paths.docs, reports, datetime.now(UTC))
    for report in reports:
        report.raise_if_failed(do="correct the source or its manifest; the last good release stays up")
    return ValidateRecord(
        tables={report.table: tuple(RuleEntry(**asdict(rule)) for rule in report.outcomes) for report in reports},
        warnings=tuple(warning for report in reports for warning in report.warnings),
    )


def _declared(night: Night) -> list[Table]:
    parts = ((INTERACTIONS, night.manifest.interactions), (ITEMS, night.manifest.items), (USERS, night.manifest.users))
    return [table for table, part in parts if part is not None]


def _check(night: Night, table: Table) -> SuiteReport:
    lake, as_of = night.home.lake, night.identity.as_of
    limits = Limits.of(night.manifest, as_of)
    if table is INTERACTIONS:
        return check_batch(table.name, scan_at(lake, table, as_of), limits, _known(night))
    # Every row that was ever known, and not only the newest of each id: a rule says that ids have one at a time.
    return check_batch(table.name, lake.scan(table).filter(pl.col(AVAILABLE_AT) <= as_of), limits)


def _known(night: Night) -> Known:
    """Gather what interactions must agree with; ids that were declared later than T count as declared."""
    lake, manifest = night.home.lake, night.manifest
    return Known(
        users=lake.scan(USERS) if manifest.users else None,
        items=lake.scan(ITEMS) if manifest.items else None,
        taken_in=_rows_taken_in(lake),
        held=sum(scan.select(pl.len()).collect().item() for scan in _scans_of_log(lake)),
    )


def _rows_taken_in(lake: Lake) -> int:
    """Count the interactions' source rows that came in, by the ledger's newest entry of each file."""
    entries = lake.scan(SOURCES).filter(pl.col(TABLE) == INTERACTIONS.name, pl.col(STATE).is_null())
    newest = entries.sort(READ_AT, BYTES).unique(FILE, keep="last", maintain_order=True)
    rows: int = newest.select(pl.coalesce(HELD, ROWS).sum()).collect().item()
    return rows


def _scans_of_log(lake: Lake) -> tuple[pl.LazyFrame, pl.LazyFrame]:
    return lake.scan(INTERACTIONS), lake.scan(QUARANTINE).filter(pl.col(TABLE) == INTERACTIONS.name)
