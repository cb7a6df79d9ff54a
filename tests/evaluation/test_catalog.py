"""A metric of the catalogue reaches every place that shows metrics; a metric added to it needs nothing else."""

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from rich.console import Console

from nightschool.cli import show
from nightschool.columns import ITEM_ID, METRIC, METRICS, RELEASE_ID, SEGMENT, TEXT
from nightschool.contract import Float32s, Indices, ItemColumns, Split
from nightschool.evaluation import catalog, lists, metrics
from nightschool.evaluation.catalog import Better, FromHits, Metric, Place, shown_in
from nightschool.evaluation.compare import compare
from nightschool.evaluation.evaluate import evaluate, with_auc
from nightschool.evaluation.evaluation import Evaluation
from nightschool.evaluation.metrics import Counts, Float64s, Mask
from nightschool.evaluation.segments import OVERALL
from nightschool.night.reporting.metrics import describe_roles
from nightschool.night.reporting.report import in_markdown
from nightschool.offline.compare import Measured, describe_measured
from nightschool.storage import night_log
from nightschool.storage.lake import Lake
from serving.differences import compare_metrics
from serving.operations import curves, release_state
from tests.evaluation.test_evaluate import ASCENDING, SPLIT, Fixed
from tests.serving.nights import FIRST, make_nights

CUTOFFS = (5, 10)


def count_hits(hits: Mask, _n_relevant: Counts, k: int) -> Float64s:
    return hits[:, :k].sum(axis=1).astype(np.float64)


PROBE = Metric("hits", Better.HIGHER, "hits in the first k", FromHits(count_hits))
"""A metric as somebody would add it: one function and one line."""


class Rating(Fixed):
    def predict(self, user_indices: Indices, item_indices: Indices) -> Float32s:
        return self.scores[user_indices, item_indices]


@pytest.fixture(autouse=True)
def added(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalog, "CATALOG", (*catalog.CATALOG, PROBE))


@pytest.fixture
def split() -> Split:
    """A test on which everything can be measured: its items have text and labels."""
    described = {TEXT: ["oil", "oil", "oil", "ink", "ink"], "art": ["a", "a", "b", "b", "b"]}
    items = pl.DataFrame({ITEM_ID: range(5), **described})
    return replace(SPLIT, fitted=replace(SPLIT.fitted, items=items, item_columns=ItemColumns(categories=("art",))))


@pytest.fixture
def evaluation(split: Split) -> Evaluation:
    model = Rating(ASCENDING)
    return with_auc(evaluate(model, split, cutoffs=CUTOFFS), model, split)


@pytest.fixture
def rows(evaluation: Evaluation) -> pl.DataFrame:
    """The rows of the metrics table of a role over all users."""
    everybody = {OVERALL: np.ones(5, dtype=bool)}
    return evaluation.table("challenger", "test", everybody).filter(pl.col(SEGMENT) == OVERALL)


@pytest.fixture
def printed(monkeypatch: pytest.MonkeyPatch) -> Console:
    """A console wide enough for the names of all metrics."""
    console = Console(width=1000, record=True, markup=False, highlight=False)
    monkeypatch.setattr(show, "console", console)
    return console


def every_label() -> set[str]:
    return {metric.label(k) for metric in catalog.CATALOG for k in CUTOFFS}


def heads(console: Console) -> set[str]:
    return {word for line in console.export_text().splitlines() for word in line.split()}


def test_names_are_unique_and_every_metric_has_its_formula() -> None:
    names = [metric.name for metric in catalog.CATALOG]
    assert len(names) == len(set(names))
    assert all(metric.formula for metric in catalog.CATALOG)


def test_every_metric_is_in_the_metrics_table(rows: pl.DataFrame) -> None:
    assert set(rows[METRIC]) == {metric.name for metric in catalog.CATALOG}


def test_every_metric_is_in_the_records_of_the_stages_and_so_in_the_json_report(evaluation: Evaluation) -> None:
    (role,) = describe_roles({"challenger": evaluation}, CUTOFFS)
    assert set(role.metrics) == every_label()


def test_every_metric_is_in_the_page_of_the_report(evaluation: Evaluation) -> None:
    page = in_markdown(report(roles_of(evaluation)))
    assert {line.split(" | ")[0].removeprefix("| ") for line in page.splitlines()} >= every_label()


def test_the_headlines_of_mlflow_are_metrics(rows: pl.DataFrame) -> None:
    labels = {metric if k is None else f"{metric}@{k}" for metric, k in night_log.HEADLINES}
    assert labels <= {*every_label(), "rmse"}
    numbers = night_log.Measured("ease", {}, rows).numbers()
    assert set(numbers) >= {label.replace("@", "_at_") for label in labels & every_label()}


def test_the_tables_of_a_comparison_show_the_metrics_that_are_to_be_shown(
    evaluation: Evaluation, printed: Console
) -> None:
    row = Measured("ease", {}, 1.0, evaluation, compare(evaluation, evaluation))
    about = {"dataset": "d", "protocol": "p", "k": 10, "warnings": ()}
    show.show_evaluation({**about, "models": [describe_measured(row, CUTOFFS)]})
    told = {metric.label(10) for place in (Place.ACCURACY, Place.BEYOND) for metric in shown_in(place)}
    assert heads(printed) & every_label() == told
    assert PROBE.label(10) in told


def test_the_tables_of_a_night_show_the_metrics_that_are_to_be_shown(evaluation: Evaluation, printed: Console) -> None:
    show.show_candidates("On the test", roles_of(evaluation))
    told = {show.shorten(label) for label in catalog.night_labels()}
    assert heads(printed) & {show.shorten(label) for label in every_label()} == told
    assert PROBE.label(10) in told


def test_the_operators_page_shows_the_metrics_that_are_to_be_shown(rows: pl.DataFrame, tmp_path: Path) -> None:
    lake = make_nights(tmp_path / "home")
    store(lake, rows)
    drawn = {curve.metric for curve in curves(lake, release_state(lake).nights[:1])}
    assert drawn == {metric.label(10) for metric in shown_in(Place.CURVES)}
    compared = {pair.name for pair in compare_metrics(lake, FIRST, FIRST)}
    assert compared == {f"challenger: {metric.label(10)}" for metric in shown_in(Place.DIFFERENCES)}
    assert PROBE.label(10) in drawn


def roles_of(evaluation: Evaluation) -> list[dict[str, Any]]:
    """The roles of a report, as JSON has them."""
    return [role.model_dump(mode="json") for role in describe_roles({"challenger": evaluation}, CUTOFFS)]


def store(lake: Lake, rows: pl.DataFrame) -> None:
    named = rows.with_columns(pl.lit(FIRST).alias(RELEASE_ID)).select(*lake.schema(METRICS))
    lake.replace_release(METRICS, FIRST, named.sort(METRICS.key))


def report(roles: list[dict[str, Any]]) -> Mapping[str, Any]:
    """The least that a page is made of."""
    nothing: dict[str, Any] = {name: [] for name in ("warnings", "candidates", "signals", "gates", "trials")}
    ages = {f"new_item_{share}_{age}": None for share in ("events", "places") for age in ("7d", "30d")}
    keys = ("status", "release_id", "dataset", "sentence", "as_of", "protocol", "search", "alpha")
    words = dict.fromkeys(keys, "x")
    return {**words, **nothing, "rows": {}, "roles": roles, "freshness": ages}


def test_every_metric_at_k_is_in_the_catalogue() -> None:
    source = Path(catalog.__file__).read_text()
    for module in (metrics, lists):
        for name in (name for name in vars(module) if name.endswith("_at")):
            assert len(re.findall(rf"\b{name}\b", source)) > 1, f"{name} needs its line in CATALOG"
