"""Validation of polars frames by the suites; bad data and broken checks are reported differently."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import MappingProxyType, ModuleType
from typing import Any, Final

import polars as pl
from polars.exceptions import PolarsError

from expectations import drift, facts, growth, intake, interactions, items, recommendations, users
from expectations.engine import broken, name_of, validate
from expectations.facts import NOTHING, ROWS, Known
from expectations.report import RuleOutcome, Severity, SuiteReport
from expectations.rows import find_bad_rows, validate_rows
from nightschool.data.normalization.limits import Limits

SUITES: Final[Mapping[str, ModuleType]] = MappingProxyType(
    {suite.TABLE.name: suite for suite in (users, items, interactions, recommendations)}
)
"""Table to its suite; a new table is one more name."""


def check_rows(table: str, frame: pl.DataFrame, limits: Limits) -> pl.DataFrame:
    """Find rows that break a row rule: row_number (from 0), reason (of the first rule broken) and detail (the value).

    Raises:
        NightschoolError: A check could not be run; nothing is known about the data.
    """
    with _report_broken_checks(table):
        return find_bad_rows(SUITES[table], frame, limits)


def check_batch(table: str, frame: pl.DataFrame | pl.LazyFrame, limits: Limits, known: Known = NOTHING) -> SuiteReport:
    """Check a table's rows by all its rules, those for rows and those for the batch, by streaming.

    Raises:
        NightschoolError: A check could not be run; nothing is known about the data.
    """
    suite, lazy = SUITES[table], frame.lazy()
    with _report_broken_checks(table):
        typed = _check_figures(table, facts.types(suite.TABLE, lazy), [facts.right_types()])
        if not typed.passed:
            return typed
        counted = suite.facts(lazy, known)
        n_rows = counted[ROWS].item()
        rows = [(r, f"{n_bad} of {n_rows} rows") for r, n_bad in validate_rows(suite, lazy, limits, n_rows)]
    return typed + _build_report(table, rows) + _check_figures(table, counted, suite.batch_rules())


def check_intake(table: str, n_rows: int, n_bad: int) -> SuiteReport:
    """Check how many rows arrived for a table and how many of them are bad.

    Raises:
        NightschoolError: A check could not be run; nothing is known about the data.
    """
    return _check_figures(table, intake.facts(n_rows, n_bad), intake.batch_rules())


def check_growth(table: str, before: int, now: int) -> SuiteReport:
    """Check how many rows a file of the table has now and had when it was read last.

    Raises:
        NightschoolError: A check could not be run; nothing is known about the data.
    """
    return _check_figures(table, growth.facts(before, now), growth.batch_rules())


def check_drift(table: str, stability: pl.DataFrame) -> SuiteReport:
    """Check whether a batch is distributed like the last one, by `population_stability` of both.

    Raises:
        NightschoolError: A check could not be run; nothing is known about the data.
    """
    return _check_figures(table, drift.facts(stability), drift.batch_rules())


def _check_figures(table: str, counted: pl.DataFrame, rules: Sequence[Any]) -> SuiteReport:
    """Check figures of a whole batch by rules."""
    results = validate(counted, rules, result_format="COMPLETE")
    return _build_report(table, [(result, _describe_seen(counted, result)) for result in results])


def _describe_seen(counted: pl.DataFrame, result: Any) -> str:
    """Write the rule's text about the rows that break it; where none does, about the only row."""
    if result.success and counted.height != 1:
        return f"none of {counted.height}"
    rows = counted if result.success else counted[result.result["unexpected_index_list"]]
    return ", ".join(result.expectation_config.meta["seen"].format(**row) for row in rows.iter_rows(named=True))


def _build_report(table: str, results: Sequence[tuple[Any, str]]) -> SuiteReport:
    """Build the report of results and their texts."""
    outcomes = []
    for result, seen in results:
        config = result.expectation_config
        severity: Severity = "warning" if config.severity == "warning" else "critical"
        outcomes.append(RuleOutcome(name_of(result), config.meta["reason"], severity, bool(result.success), seen))
    return SuiteReport(table, tuple(outcomes), tuple(result for result, _ in results))


@contextmanager
def _report_broken_checks(table: str) -> Iterator[None]:
    """Turn polars errors into errors of the check, which say nothing about the data."""
    try:
        yield
    except PolarsError as error:
        raise broken(f"of table {table}", str(error).splitlines()[0]) from error
