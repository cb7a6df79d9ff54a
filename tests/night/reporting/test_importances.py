from nightschool.columns import METRICS
from nightschool.night.reporting.importances import importance_rows


def test_each_feature_is_a_row_in_order() -> None:
    rows = importance_rows({"score": 0.7, "age": 0.3}, "blend", 12)
    assert rows.select("model", "split", "segment", "metric", "value", "n_users").rows() == [
        ("blend", "refit", "score", "importance", 0.7, 12),
        ("blend", "refit", "age", "importance", 0.3, 12),
    ]


def test_without_a_reranker_there_are_none() -> None:
    rows = importance_rows({}, "ease", 12)
    assert rows.is_empty()
    assert ["release_id", *rows.columns] == list(METRICS.columns)
