import numpy as np

from nightschool.reports.histograms import histogram


def test_long_tails_have_a_scale_of_powers_and_equal_values_one_bar() -> None:
    def scale(values: list[float]) -> dict:
        return histogram(np.array(values), "x", "n").to_dict()["layer"][0]["encoding"]["x"]["scale"]

    assert scale([1.0] * 50 + [1_000.0]) == {"type": "log"}
    assert scale([2.0] * 50) == {"zero": False}
