"""Runs the suites on polars frames, and tells data that are bad from a check that broke."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType, ModuleType
from typing import Any, Final

import polars as pl
import polars.selectors as cs

from expectations import intake, interactions, items, recommendations, users
from expectations.engine import gx
from nightschool.columns import DETAIL, INTERACTIONS, ITEMS, REASON, RECOMMENDATIONS, USERS
from nightschool.data.limits import Limits
from nightschool.errors import DataRefused, NightschoolError

SUITES: Final[Mapping[str, ModuleType]] = MappingProxyType(
    {
        USERS.name: users,
        ITEMS.name: items,
        INTERACTIONS.name: interactions,
        RECOMMENDATIONS.name: recommendations,
    }
)
"""Table to its suite; a further table is one more line."""

ROW_NUMBER: Final = "row_number"
_FINDINGS: Final = pl.Schema({ROW_NUMBER: pl.Int64, REASON: pl.String, DETAIL: pl.String})
_ONE_AT_A_TIME: Final = threading.Lock()
"""The context and its data source are shared by the threads of a night."""


@dataclass(frozen=True)
class RuleOutcome:
    """How one rule fared.

    Attributes:
        rule: The expectation and its column.
        reason: The code of what breaks it.
        observed: What was seen, in few words.
    """

    rule: str
    reason: str
    passed: bool
    observed: str


@dataclass(frozen=True)
class SuiteReport:
    """How every rule of a suite fared on one batch."""

    table: str
    outcomes: tuple[RuleOutcome, ...]

    @property
    def passed(self) -> bool:
        """Whether no rule was broken."""
        return all(outcome.passed for outcome in self.outcomes)

    def raise_if_failed(self, do: str = "correct the data and try again") -> None:
        """Refuses the batch where a rule was broken.

        Raises:
            DataRefused: Naming every broken rule and what was seen.
        """
        broken = [f"{outcome.reason} ({outcome.observed})" for outcome in self.outcomes if not outcome.passed]
        if broken:
            raise DataRefused(f"the batch for {self.table} breaks its rules: {', '.join(broken)}", do=do)


def check_rows(table: str, frame: pl.DataFrame, limits: Limits) -> pl.DataFrame:
    """The rows that break a row rule: row_number (from 0), reason (of the first rule broken) and detail (the value).

    Raises:
        NightschoolError: A check broke; nothing is known about the data.
    """
    results = _run(frame, SUITES[table].row_rules(limits))
    found = [_findings(frame, result) for result in results if not result.success]
    return pl.concat([_FINDINGS.to_frame(), *found]).unique(ROW_NUMBER, keep="first", maintain_order=True)


def check_batch(table: str, frame: pl.DataFrame, limits: Limits) -> SuiteReport:
    """How a table's frame fares under all its rules, those for rows and those for the batch.

    Raises:
        NightschoolError: A check broke; nothing is known about the data.
    """
    suite = SUITES[table]
    results = _run(frame, [*suite.row_rules(limits), *suite.batch_rules()])
    return SuiteReport(table, tuple(_outcome(result) for result in results))


def check_intake(table: str, n_rows: int, n_bad: int) -> SuiteReport:
    """Whether so many rows that arrived for a table, so many of them bad, may come in.

    Raises:
        NightschoolError: A check broke; nothing is known about the data.
    """
    counts = pl.DataFrame({intake.ROWS: [n_rows], intake.BAD_ROWS: [n_bad]})
    results = _run(counts, intake.batch_rules(n_rows))
    return SuiteReport(table, tuple(_outcome(result) for result in results))


@cache
def _batches() -> Any:
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    source = context.data_sources.add_pandas("frames")
    return source.add_dataframe_asset("frame").add_batch_definition_whole_dataframe("all")


def _run(frame: pl.DataFrame, rules: list[Any]) -> list[Any]:
    """The result of each rule, in the order of the rules."""
    numbered = {str(number): rule for number, rule in enumerate(rules)}
    for number, rule in numbered.items():
        rule.meta = {**rule.meta, "number": number}
    columns = {name for rule in rules for name in _columns(rule)}
    needed = [name for name in frame.columns if name in columns] or frame.columns[:1]
    suite = gx.ExpectationSuite(name="rules", expectations=rules)
    asked = {"result_format": "COMPLETE", "return_unexpected_index_query": False}
    with _ONE_AT_A_TIME:
        batch = _batches().get_batch({"dataframe": _widened(frame.select(needed)).to_pandas()})
        results = batch.validate(suite, result_format=asked).results
    for result in results:
        _require_unbroken(result)
    return sorted(results, key=lambda result: int(result.expectation_config.meta["number"]))


def _widened(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with 64-bit numbers; narrower ones Great Expectations compares one by one in Python."""
    return frame.with_columns(cs.integer().cast(pl.Int64), cs.float().cast(pl.Float64))


def _columns(rule: Any) -> list[str]:
    settings = rule.configuration.kwargs
    return [*settings.get("column_list", []), *([settings["column"]] if "column" in settings else [])]


def _require_unbroken(result: Any) -> None:
    """Raises where an exception, and not the data, made a rule fail: the result alone does not tell."""
    info = result.exception_info or {}
    for part in [info, *(value for value in info.values() if isinstance(value, dict))]:
        if part.get("raised_exception"):
            lines = str(part.get("exception_message", "")).strip().splitlines()
            raise NightschoolError(
                f"the check {_name(result)} broke, which says nothing about the data",
                seen=lines[0] if lines else None,
                do="report it with this message",
            )


def _name(result: Any) -> str:
    settings = result.expectation_config.kwargs
    about = settings.get("column") or ", ".join(settings.get("column_list", []))
    return f"{result.expectation_config.type}({about})"


def _outcome(result: Any) -> RuleOutcome:
    seen = result.result
    if "observed_value" in seen:
        observed = f"{seen['observed_value']} rows"
    else:
        observed = f"{seen['unexpected_count']} of {seen['element_count']} rows"
    return RuleOutcome(_name(result), result.expectation_config.meta["reason"], bool(result.success), observed)


def _findings(frame: pl.DataFrame, result: Any) -> pl.DataFrame:
    rows = pl.Series(ROW_NUMBER, result.result["unexpected_index_list"], pl.Int64)
    values = frame[result.expectation_config.kwargs["column"]].gather(rows).cast(pl.String).str.slice(0, 100)
    reason = pl.lit(result.expectation_config.meta["reason"]).alias(REASON)
    return pl.select(rows, reason, values.alias(DETAIL))
