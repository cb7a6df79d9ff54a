"""What a night logs in MLflow: what it tried, on which data, and what it measured."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

import polars as pl

from nightschool.columns import CI_HIGH, CI_LOW, METRIC, VALUE, K


class Mean(NamedTuple):
    """A mean with its 95 % interval; without one, both ends are the value."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, eq=False)
class Measured:
    """One thing that was tried.

    Attributes:
        name: For people, such as `ease` or `α=0.7`.
        params: What distinguishes it; nested mappings become dotted names.
        metrics: Its rows of the metrics table, of one model, one split and one segment; None without.
        figures: Plain numbers besides, such as fit_seconds.
    """

    name: str
    params: Mapping[str, Any]
    metrics: pl.DataFrame | None
    figures: Mapping[str, float] = field(default_factory=dict)

    def mean(self, metric: str, k: int) -> Mean | None:
        """Return a metric's mean; None when it was not measured at that k."""
        if self.metrics is None:
            return None
        rows = self.metrics.filter((pl.col(METRIC) == metric) & (pl.col(K) == k)).drop_nulls(VALUE)
        if rows.is_empty():
            return None
        value, low, high = rows.select(VALUE, CI_LOW, CI_HIGH).row(0)
        return Mean(value, value if low is None else low, value if high is None else high)

    def numbers(self) -> dict[str, float]:
        """Return every number by its name in MLflow: ndcg_at_10, ndcg_at_10_ci_low, ndcg_at_10_ci_high, …."""
        if self.metrics is None:
            return dict(self.figures)
        rows = self.metrics.select(METRIC, K, VALUE, CI_LOW, CI_HIGH).iter_rows()
        named = {
            f"{metric}{'' if k is None else f'_at_{k}'}{suffix}": value
            for metric, k, *values in rows
            for suffix, value in zip(("", "_ci_low", "_ci_high"), values, strict=True)
            if value is not None
        }
        return {**named, **self.figures}

    def flat_params(self) -> dict[str, str]:
        """Return the parameters as text, nested ones under dotted names."""
        return dict(_flatten("", self.params))


@dataclass(frozen=True)
class DataUsed:
    """A table that the night read.

    Attributes:
        name: The table's name.
        fingerprint: Hash of its content as of T.
        rows: How many rows it had as of T.
    """

    name: str
    fingerprint: str
    rows: int


@dataclass(frozen=True, eq=False)
class NightLog:
    """One night, as its registry shows it.

    Attributes:
        run_key: The night's key: logging it again is logging the same night.
        release_id: What it publishes.
        as_of: T.
        outcome: The recipe that is published, the night's parameters and what it measured on the test.
        candidates: The best setting of each model, measured on validation.
        sweep: α to the hybrid of that α, measured on validation.
        popularity: The reference of the α curve, measured on validation.
        data: The tables that were read.
        tables: Further tables to look at, such as gates and the trials of the search.
        tags: Further short facts, such as the verdict.
    """

    run_key: str
    release_id: str
    as_of: datetime
    outcome: Measured
    candidates: tuple[Measured, ...] = ()
    sweep: Mapping[float, Measured] = field(default_factory=dict)
    popularity: Measured | None = None
    data: tuple[DataUsed, ...] = ()
    tables: Mapping[str, pl.DataFrame] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)


def _flatten(prefix: str, params: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in params.items():
        if isinstance(value, Mapping):
            yield from _flatten(f"{prefix}{name}.", value)
        else:
            yield f"{prefix}{name}", str(value)
