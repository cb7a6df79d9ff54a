import polars as pl
import pytest

from nightschool.columns import CI_HIGH, CI_LOW, METRIC, VALUE, K
from nightschool.storage.night_log import Mean, Measured


def measured(rows: list[tuple[str, int | None, float | None, float | None, float | None]]) -> Measured:
    schema = {METRIC: pl.String, K: pl.Int32, VALUE: pl.Float64, CI_LOW: pl.Float64, CI_HIGH: pl.Float64}
    params = {"l2": 500, "nested": {"deep": {"flag": True}}, "models": ("a", "b")}
    return Measured("ease", params, pl.DataFrame(rows, schema=schema, orient="row"), {"fit_seconds": 1.5})


def test_numbers_are_named_by_metric_cutoff_and_end_of_the_interval() -> None:
    rows = [("ndcg", 10, 0.5, 0.4, 0.6), ("rmse", None, 0.9, None, None), ("auc", None, None, None, None)]
    assert measured(rows).numbers() == {
        "ndcg_at_10": 0.5,
        "ndcg_at_10_ci_low": 0.4,
        "ndcg_at_10_ci_high": 0.6,
        "rmse": 0.9,
        "fit_seconds": 1.5,
    }


def test_nested_parameters_get_dotted_names() -> None:
    assert measured([]).flat_params() == {"l2": "500", "nested.deep.flag": "True", "models": "('a', 'b')"}


@pytest.mark.parametrize(
    ("rows", "mean"),
    [
        ([("ndcg", 5, 0.1, 0.0, 0.2), ("ndcg", 10, 0.5, 0.4, 0.6)], Mean(0.5, 0.4, 0.6)),
        ([("ndcg", 10, 0.5, None, None)], Mean(0.5, 0.5, 0.5)),
        ([("ndcg", 10, None, None, None)], None),
        ([("ndcg", 5, 0.1, 0.0, 0.2)], None),
    ],
)
def test_a_mean_is_found_with_its_interval(rows, mean) -> None:
    assert measured(rows).mean("ndcg", 10) == mean
