"""Great Expectations without analytics and progress bars, and validation of a frame by rules."""

import logging
import os
import threading
from collections.abc import Sequence
from functools import cache
from typing import Any, Final

import polars as pl
import polars.selectors as cs

from nightschool.errors import NightschoolError

os.environ["GX_ANALYTICS_ENABLED"] = "false"

from nightschool.imports import absent

# Where it finds Spark, it loads the whole of it; and one module of Spark ends processes that have no main file.
with absent("pyspark"):
    import great_expectations as gx
    import great_expectations.expectations as gxe
    from great_expectations.expectations.row_conditions import Column

logging.getLogger("great_expectations.data_context.types.base").setLevel(logging.WARNING)

__all__ = ["Column", "gx", "gxe", "name_of", "validate"]

_ONE_AT_A_TIME: Final = threading.Lock()
"""The context and its data source are shared by the threads of a night."""


def validate(frame: pl.DataFrame, rules: Sequence[Any], *, result_format: str = "BOOLEAN_ONLY") -> list[Any]:
    """Validate a frame and return each rule's result, in the order of the rules.

    Args:
        frame: The rows; only the columns that a rule names are read.
        rules: Expectations.
        result_format: The detail of the results; COMPLETE names every bad row.

    Raises:
        NightschoolError: A check broke; nothing is known about the data.
    """
    for number, rule in enumerate(rules):
        rule.meta = {**rule.meta, "number": number}
    columns = {name for rule in rules for name in columns_of(rule)}
    needed = frame.select(name for name in frame.columns if name in columns)
    suite = gx.ExpectationSuite(name="rules", expectations=list(rules))
    asked = {"result_format": result_format, "return_unexpected_index_query": False}
    with _ONE_AT_A_TIME:
        batch = _batches().get_batch({"dataframe": _widened(needed).to_pandas()})
        results = batch.validate(suite, result_format=asked).results
    for result in results:
        _require_unbroken(result)
    return sorted(results, key=lambda result: int(result.expectation_config.meta["number"]))


def columns_of(rule: Any) -> list[str]:
    """List the columns that a rule reads."""
    settings = rule.configuration.kwargs
    about = settings.get("row_condition") or {}
    parts = about.get("conditions", [about]) if about else []
    return [settings["column"], *(part["column"]["name"] for part in parts)]


def name_of(result: Any) -> str:
    """Name the expectation of a result and its column."""
    return f"{result.expectation_config.type}({result.expectation_config.kwargs['column']})"


def broken(rule: str, why: str | None) -> NightschoolError:
    """Build the error of a check that could not be run."""
    what = f"the check {rule} broke, which says nothing about the data"
    return NightschoolError(what, seen=why, do="report it with this message")


@cache
def _batches() -> Any:
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    source = context.data_sources.add_pandas("frames")
    return source.add_dataframe_asset("frame").add_batch_definition_whole_dataframe("all")


def _widened(frame: pl.DataFrame) -> pl.DataFrame:
    """Cast numbers to 64 bits; Great Expectations compares narrower ones one by one in Python."""
    return frame.with_columns(cs.integer().cast(pl.Int64), cs.float().cast(pl.Float64), cs.boolean().cast(pl.Int64))


def _require_unbroken(result: Any) -> None:
    """Raise where an exception, and not the data, made a rule fail, which a result alone does not show."""
    info = result.exception_info or {}
    for part in [info, *(value for value in info.values() if isinstance(value, dict))]:
        if part.get("raised_exception"):
            lines = str(part.get("exception_message", "")).strip().splitlines()
            raise broken(name_of(result), lines[0] if lines else None)
