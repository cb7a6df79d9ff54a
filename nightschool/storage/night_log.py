"""What a night logs in MLflow: what it tried, on which data, what it measured, and the model that it made."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

import polars as pl

from nightschool.columns import CI_HIGH, CI_LOW, METRIC, VALUE, K
from nightschool.curves import Curves

DECISIVE: Final = ("ndcg", 10)
"""The metric that decides, and its k."""
HEADLINES: Final = frozenset(
    {
        *((name, 10) for name in ("ndcg", "recall", "precision", "map", "hit_rate", "mrr")),
        *((name, 10) for name in ("coverage", "gini", "novelty", "diversity", "average_popularity")),
        ("rmse", None),
    }
)
"""The metrics, with their k, that runs are compared by; a night's table `metrics` holds all of them."""


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
        """Return the headlines by their names in MLflow, as `ndcg_at_10`; of the one that decides its interval too."""
        if self.metrics is None:
            return dict(self.figures)
        found = dict(self.figures)
        for metric, k, *values in self.metrics.select(METRIC, K, VALUE, CI_LOW, CI_HIGH).iter_rows():
            ends = ("", "_ci_low", "_ci_high") if (metric, k) == DECISIVE else ("",)
            name = metric if k is None else f"{metric}_at_{k}"
            for end, value in zip(ends, values, strict=False):
                if value is not None and (metric, k) in HEADLINES:
                    found[f"{name}{end}"] = value
        return found

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
        curves: Name to the curve of a training, such as `refit/sasrec/loss`: its value after each pass.
        data: The tables that were read.
        tables: Further tables to look at, such as gates and the trials of the search.
        pictures: File name to content: pictures, and pages that answer a mouse.
        tags: Further short facts, such as the verdict.
        description: What the night did, in Markdown.
        card: The model card of its release, in Markdown.
    """

    run_key: str
    release_id: str
    as_of: datetime
    outcome: Measured
    candidates: tuple[Measured, ...] = ()
    sweep: Mapping[float, Measured] = field(default_factory=dict)
    curves: Curves = field(default_factory=dict)
    data: tuple[DataUsed, ...] = ()
    tables: Mapping[str, pl.DataFrame] = field(default_factory=dict)
    pictures: Mapping[str, bytes] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    description: str = ""
    card: str = ""


@dataclass(frozen=True)
class NightEnd:
    """How a night ended.

    Attributes:
        run_key: The night's key; None where it was refused before it had one.
        as_of: T; None where it is not known.
        outcome: Its outcome, as in the table of nights.
        refused: Whether it was refused, or failed.
        tags: Further short facts, such as the address of its Prefect run.
        report: The page on its release; empty without.
    """

    run_key: str | None
    as_of: datetime | None
    outcome: str
    refused: bool
    tags: Mapping[str, str] = field(default_factory=dict)
    report: str = ""


@dataclass(frozen=True)
class ReleaseModel:
    """The model of a release, as the registry keeps it.

    Attributes:
        release_id: The release that the model belongs to.
        code: A Python file that calls `mlflow.models.set_model`.
        artifacts: What that file finds in `context.artifacts`, by name.
        user_id: The dtype of external user ids.
        item_id: The dtype of external item ids.
        card: What the model is, and is not, for people; in Markdown.
    """

    release_id: str
    code: Path
    artifacts: Mapping[str, Path]
    user_id: pl.DataType
    item_id: pl.DataType
    card: str = ""


def _flatten(prefix: str, params: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in params.items():
        if isinstance(value, Mapping):
            yield from _flatten(f"{prefix}{name}.", value)
        else:
            yield f"{prefix}{name}", str(value)
