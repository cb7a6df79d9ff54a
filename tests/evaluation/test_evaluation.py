import numpy as np
import polars as pl
import pytest

from nightschool.columns import (
    CI_HIGH,
    CI_LOW,
    METRIC,
    METRICS,
    MODEL,
    N_USERS,
    RELEASE_ID,
    SEGMENT,
    SPLIT,
    VALUE,
    K,
)
from nightschool.errors import NotFound
from nightschool.evaluation.evaluation import Errors, Evaluation
from nightschool.evaluation.intervals import mean_intervals

VALUES = np.linspace(0, 1, 300)
ALL = np.ones(300, dtype=bool)


def evaluation(errors: Errors | None = None) -> Evaluation:
    return Evaluation(
        users=np.arange(300, dtype=np.int32),
        per_user={"ndcg": {5: VALUES, 10: VALUES / 2}, "novelty": {5: np.where(VALUES < 0.5, np.nan, 2.0)}},
        totals={"coverage": {5: 0.25}, "outside_candidates": {None: float("nan")}},
        errors=errors,
    )


def errors_of(n: int) -> Errors:
    rng = np.random.default_rng(0)
    squared = rng.random(n)
    return Errors(np.arange(n, dtype=np.int32), np.full(n, 2.0), squared, np.sqrt(squared))


def test_means_and_intervals_are_over_users() -> None:
    found = evaluation()
    assert found.n_users == 300
    assert found.mean("ndcg", 10) == pytest.approx(0.25)
    ends = mean_intervals(VALUES[:, None])
    assert found.interval("ndcg", 5) == (ends.low[0], ends.high[0])
    assert found.mean("novelty", 5) == 2.0
    assert found.mean("coverage", 5) == 0.25


@pytest.mark.parametrize(("metric", "k"), [("ndcg", 7), ("recall", 10), ("rmse", None)])
def test_a_metric_that_was_not_measured_is_named(metric: str, k: int | None) -> None:
    with pytest.raises(NotFound, match=f"{metric}@{k}.*ndcg@10"):
        evaluation().mean(metric, k)


def test_rmse_is_the_root_over_pairs_with_an_interval_around_it() -> None:
    errors = errors_of(300)
    found = evaluation(errors)
    assert found.mean("rmse") == pytest.approx(np.sqrt(errors.squared.sum() / 600))
    assert found.mean("mae") == pytest.approx(errors.absolute.sum() / 600)
    low, high = found.interval("rmse")
    assert 0 < low < found.mean("rmse") < high


def test_the_table_has_the_metrics_tables_columns() -> None:
    table = evaluation(errors_of(300)).table("ease", "test", {"all": ALL, "activity:new": VALUES > 0.9, "x": ~ALL})
    expected = METRICS.schema(user_id=pl.Int64(), item_id=pl.Int64())
    assert table.schema == pl.Schema({name: dtype for name, dtype in expected.items() if name != RELEASE_ID})
    assert table.select(MODEL, SPLIT).unique().rows() == [("ease", "test")]
    assert set(table[SEGMENT]) == {"all", "activity:new"}
    assert table.select(SEGMENT, METRIC, K).is_unique().all()


def test_the_table_repeats_the_figures() -> None:
    found = evaluation()
    table = found.table("ease", "test", {"all": ALL, "late": VALUES > 0.9})
    row = table.row(by_predicate=(pl.col(SEGMENT) == "all") & (pl.col(METRIC) == "ndcg") & (pl.col(K) == 5), named=True)
    figures = (found.mean("ndcg", 5), *found.interval("ndcg", 5))
    assert (row[VALUE], row[CI_LOW], row[CI_HIGH]) == pytest.approx(figures, abs=1e-12)
    assert row[N_USERS] == 300
    late = table.filter(pl.col(SEGMENT) == "late", pl.col(METRIC) == "ndcg", pl.col(K) == 5)
    assert late[VALUE].item() == pytest.approx(VALUES[VALUES > 0.9].mean())
    assert late[N_USERS].item() == (VALUES > 0.9).sum()
    novelty = table.filter(pl.col(SEGMENT) == "all", pl.col(METRIC) == "novelty")
    assert novelty[N_USERS].item() == (VALUES >= 0.5).sum()


def test_totals_have_no_interval_and_unknown_figures_are_null() -> None:
    table = evaluation().table("ease", "test", {"all": ALL})
    totals = table.filter(pl.col(METRIC).is_in(["coverage", "outside_candidates"]))
    assert totals.select(METRIC, K, VALUE, CI_LOW).rows() == [
        ("coverage", 5, 0.25, None),
        ("outside_candidates", None, None, None),
    ]


def test_an_empty_evaluation_has_an_empty_table() -> None:
    empty = Evaluation(np.empty(0, dtype=np.int32), {"ndcg": {5: np.empty(0)}}, {"coverage": {5: float("nan")}})
    table = empty.table("ease", "test", {"all": ALL})
    assert table[METRIC].to_list() == ["coverage"]
