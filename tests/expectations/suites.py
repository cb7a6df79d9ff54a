"""Frames of a suite's rows, and what they break."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import polars as pl

from expectations.facts import NOTHING, Known
from expectations.report import SuiteReport
from expectations.validation import check_batch
from nightschool import columns
from nightschool.data.normalization.limits import Limits

LIMITS = Limits(datetime(2026, 1, 1, tzinfo=UTC), rating=(1, 5))
MONDAY, TUESDAY = datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 1, 2, tzinfo=UTC)
TEXT = pl.String()


def frame_of(
    table: columns.Table, values: Mapping[str, Any], user_id: pl.DataType = TEXT, item_id: pl.DataType = TEXT
) -> pl.DataFrame:
    """Rows of a table that hold these values, and nothing else."""
    schema = table.schema(user_id=user_id, item_id=item_id)
    rows = pl.DataFrame(values, schema_overrides=schema)
    missing = [pl.lit(None, dtype).alias(name) for name, dtype in schema.items() if name not in values]
    return rows.with_columns(missing).select(*schema)


def report_on(table: columns.Table, values: Mapping[str, Any], known: Known = NOTHING) -> SuiteReport:
    return check_batch(table.name, frame_of(table, values), LIMITS, known)


def broken(report: SuiteReport) -> set[str]:
    return {outcome.reason for outcome in report.outcomes if not outcome.passed}


def tried(report: SuiteReport) -> set[str]:
    return {outcome.reason for outcome in report.outcomes}
