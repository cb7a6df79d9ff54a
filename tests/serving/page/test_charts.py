from datetime import UTC, datetime, timedelta

import pytest

from serving.operations import Curve, Figure
from serving.page.charts import HEIGHT, WIDTH, chart

START = datetime(2026, 1, 1, tzinfo=UTC)


def figure(day: int, value: float, half: float | None = 0.01) -> Figure:
    low, high = (None, None) if half is None else (value - half, value + half)
    return Figure(f"night {day}", START + timedelta(days=day), value, low, high)


def test_later_is_further_right_and_more_is_further_up() -> None:
    drawn = chart(Curve("ndcg@10", {"champion": [figure(0, 0.1), figure(1, 0.2), figure(9, 0.3)]}))
    first, second, third = drawn.lines[0].dots
    assert first.x < second.x < third.x
    assert third.x - first.x == pytest.approx(9 * (second.x - first.x), abs=1)
    assert first.y > second.y > third.y
    assert first.label == "champion, night 0: 0.1000 [0.0900, 0.1100]"


def test_intervals_stand_around_their_figure() -> None:
    dot = chart(Curve("ndcg@10", {"champion": [figure(0, 0.1), figure(1, 0.2, None)]})).lines[0].dots
    assert dot[0].top is not None
    assert dot[0].bottom is not None
    assert dot[0].top < dot[0].y < dot[0].bottom
    assert (dot[1].top, dot[1].bottom) == (None, None)


@pytest.mark.parametrize("values", [[0.5], [0.0, 0.0], [1e-9, 2e-9], [-3.0, 4e6], [0.123] * 60, list(range(60))])
def test_everything_lies_in_the_picture_between_round_ticks(values: list[float]) -> None:
    figures = [figure(day, value, abs(value) / 10) for day, value in enumerate(values)]
    drawn = chart(Curve("x", {"champion": figures, "popularity": figures}))
    for line in drawn.lines:
        for dot in line.dots:
            assert 0 <= dot.x <= WIDTH
            assert dot.top is not None
            assert dot.bottom is not None
            assert 0 <= dot.top <= dot.y <= dot.bottom <= HEIGHT
    assert 2 <= len(drawn.up) <= 8
    assert len({tick.label for tick in drawn.up}) == len(drawn.up)
    assert 1 <= len(drawn.across) <= 5
    places = [tick.place for tick in drawn.across]
    assert places == sorted(places)


def test_a_line_breaks_where_scoring_changed() -> None:
    figures = [figure(0, 0.1), figure(1, 0.2), figure(2, 0.3)._replace(comparable=False), figure(3, 0.4)]
    drawn = chart(Curve("ndcg@10", {"champion": figures}))
    assert [len(part.split()) for part in drawn.lines[0].parts] == [2, 2]
    assert drawn.broken
    whole = chart(Curve("ndcg@10", {"champion": figures[:2]}))
    assert ([len(part.split()) for part in whole.lines[0].parts], whole.broken) == ([2], False)
