import pytest

from nightschool.charts.alpha import alpha_chart
from nightschool.storage.night_log import Mean

SWEEP = {0.0: Mean(0.1, 0.05, 0.2), 0.55: Mean(0.3, 0.25, 0.35), 1.0: Mean(0.2, 0.15, 0.25)}


def layers(popularity: Mean | None) -> list[dict]:
    drawn = alpha_chart(SWEEP, popularity, "ndcg@10").to_dict()
    data = drawn["datasets"]
    return [{**layer, "rows": data[layer["data"]["name"]]} for layer in drawn["layer"]]


def test_each_alpha_is_a_point_with_its_interval_and_the_best_is_named() -> None:
    band, line, best = layers(None)
    assert band["mark"]["type"] == "area"
    assert [(row["alpha"], row["low"], row["high"]) for row in band["rows"]] == [
        (alpha, mean.low, mean.high) for alpha, mean in SWEEP.items()
    ]
    assert [row["value"] for row in line["rows"]] == [0.1, 0.3, 0.2]
    assert [row["name"] for row in best["rows"]] == ["α = 0.55"]
    assert band["encoding"]["y"]["title"] == "ndcg@10 on validation, 95 % interval"


def test_popularity_is_a_line_to_compare_with() -> None:
    *_, line, name = layers(Mean(0.15, 0.1, 0.2))
    assert (line["mark"]["type"], name["mark"]["type"]) == ("rule", "text")
    assert line["rows"] == [{"value": pytest.approx(0.15), "name": "popularity"}]
