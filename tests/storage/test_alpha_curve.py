import pytest

from nightschool.storage.alpha_curve import draw_alpha_curve
from nightschool.storage.night_log import Mean

SWEEP = {0.0: Mean(0.1, 0.05, 0.2), 0.5: Mean(0.3, 0.25, 0.35), 1.0: Mean(0.2, 0.15, 0.25)}


def test_each_alpha_is_a_point_with_its_interval_and_the_best_is_named() -> None:
    axes = draw_alpha_curve(SWEEP, None, "ndcg@10").axes[0]
    (bars,) = axes.containers
    line, _, (intervals,) = bars
    assert list(line.get_xdata()) == [0.0, 0.5, 1.0]
    assert list(line.get_ydata()) == [0.1, 0.3, 0.2]
    ends = [[y for _, y in segment] for segment in intervals.get_segments()]
    assert ends == [pytest.approx([mean.low, mean.high]) for mean in SWEEP.values()]
    assert [text.get_text() for text in axes.texts] == ["α = 0.5"]
    assert axes.get_ylabel() == "ndcg@10 on validation, 95 % interval"


def test_popularity_is_a_line_to_compare_with() -> None:
    axes = draw_alpha_curve(SWEEP, Mean(0.15, 0.1, 0.2), "ndcg@10").axes[0]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["popularity", "hybrid"]
    assert any(list(line.get_ydata()) == [0.15, 0.15] for line in axes.lines)
