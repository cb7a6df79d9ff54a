import numpy as np

from nightschool.reports.histograms import histogram, median


def drawn(values: list[float]) -> dict:
    return histogram(np.array(values), "x", "n").to_dict()["layer"][0]["encoding"]["x"]


def test_long_tails_have_a_scale_of_powers() -> None:
    assert drawn([*range(1, 50), 1_000.0])["scale"] == {"type": "log"}
    assert drawn([*range(50)])["scale"] == {"zero": False}


def test_few_values_have_a_bar_each() -> None:
    chart = histogram(np.array([2.0] * 50 + [0.5]), "x", "n")
    assert [*chart.to_dict()["datasets"].values()] == [[{"value": "0.5", "n": 1}, {"value": "2", "n": 50}]]


def test_a_median_has_its_interval() -> None:
    assert median(np.arange(10_000)) == "5,000 [4,902, 5,097]"
    assert median(np.array([3])) == "3 [3, 3]"
