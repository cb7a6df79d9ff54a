"""Row rules, checked on the extremes of each column first, and on its rows only where those break a rule.

The row rules of a suite together allow each column one interval, so all rows satisfy them where the extremes do.
"""

from collections.abc import Sequence
from types import ModuleType
from typing import Any, Final

import polars as pl
import polars.selectors as cs

from expectations.engine import columns_of, gxe, validate
from nightschool.columns import DETAIL, REASON
from nightschool.data.normalization.limits import Limits

ROW_NUMBER: Final = "row_number"
_FINDINGS: Final = pl.Schema({ROW_NUMBER: pl.Int64, REASON: pl.String, DETAIL: pl.String})


def find_bad_rows(suite: ModuleType, frame: pl.DataFrame, limits: Limits) -> pl.DataFrame:
    """Find rows that break a rule: row_number (from 0), reason (of the first rule broken) and detail (the value)."""
    rules = rules_about(suite, frame.lazy(), limits)
    measured = _measured(suite, frame.lazy(), rules)
    extremes = _extremes(measured, frame.height)
    suspect = _broken_columns(validate(extremes, [rule for rule in rules if _could_break(rule, extremes)]))
    asked = [rule for rule in rules if columns_of(rule)[0] in suspect]
    results = validate(measured.collect(), asked, result_format="COMPLETE") if asked else []
    found = [_findings(frame, result) for result in results if not result.success]
    return pl.concat([_FINDINGS.to_frame(), *found]).unique(ROW_NUMBER, keep="first", maintain_order=True)


def validate_rows(suite: ModuleType, frame: pl.LazyFrame, limits: Limits, n_rows: int) -> list[tuple[Any, int]]:
    """Check every rule and count the rows that break it; only columns that break a rule are collected."""
    rules = rules_about(suite, frame, limits)
    measured = _measured(suite, frame, rules)
    results = validate(_extremes(measured, n_rows), rules)
    suspect = _broken_columns(results)
    if not suspect:
        return [(result, 0) for result in results]
    values = measured.select(*suspect).collect(engine="streaming")
    asked = [number for number, rule in enumerate(rules) if columns_of(rule)[0] in suspect]
    again = dict(zip(asked, validate(values, [rules[number] for number in asked], result_format="BASIC"), strict=True))
    counted = [again.get(number, result) for number, result in enumerate(results)]
    return [(result, 0 if result.success else result.result["unexpected_count"]) for result in counted]


def rules_about(suite: ModuleType, frame: pl.LazyFrame, limits: Limits) -> list[Any]:
    """List the suite's row rules; rules about text are left out where ids are numbers."""
    schema = frame.collect_schema()
    rules = suite.row_rules(limits)
    return [rule for rule in rules if schema.get(rule.meta.get("measured"), pl.String()) == pl.String]


def _measured(suite: ModuleType, frame: pl.LazyFrame, rules: Sequence[Any]) -> pl.LazyFrame:
    """Select the columns and measures that the rules read."""
    measures = suite.measures()
    names = dict.fromkeys(name for rule in rules for name in columns_of(rule))
    return frame.select(measures.get(name, pl.col(name)).alias(name) for name in names)


def _extremes(frame: pl.LazyFrame, n_rows: int) -> pl.DataFrame:
    """Collect each column's minimum, maximum, and a null where there is one; no rows where the frame has none."""
    columns = []
    for name, dtype in frame.collect_schema().items():
        value = pl.col(name).fill_nan(None) if dtype.is_float() else pl.col(name)
        missing = pl.when(~value.is_null().any()).then(value.max())
        columns.append(pl.concat_list(value.min(), value.max(), missing).alias(name))
    extremes = frame.select(columns).explode(cs.all()).collect(engine="streaming")
    return extremes if n_rows else extremes.clear()


def _could_break(rule: Any, extremes: pl.DataFrame) -> bool:
    """Tell whether the rule could be broken: it is about missing values, or there are values to check."""
    column = extremes[columns_of(rule)[0]]
    return isinstance(rule, gxe.ExpectColumnValuesToNotBeNull) or column.null_count() < len(column)


def _broken_columns(results: Sequence[Any]) -> set[str]:
    return {result.expectation_config.kwargs["column"] for result in results if not result.success}


def _findings(frame: pl.DataFrame, result: Any) -> pl.DataFrame:
    config = result.expectation_config
    rows = pl.Series(ROW_NUMBER, result.result["unexpected_index_list"], pl.Int64)
    shown = config.meta.get("measured", config.kwargs["column"])
    values = frame[shown].gather(rows).cast(pl.String).str.slice(0, 100)
    return pl.select(rows, pl.lit(config.meta["reason"]).alias(REASON), values.alias(DETAIL))
