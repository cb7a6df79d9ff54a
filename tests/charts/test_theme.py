import re

import altair as alt
import polars as pl

from nightschool.charts.alpha import alpha_chart
from nightschool.charts.theme import COLOURS, as_drawing, as_page, as_png, styled
from nightschool.storage.night_log import Mean

CHART = alpha_chart({0.0: Mean(0.1, 0.05, 0.2), 1.0: Mean(0.2, 0.15, 0.25)}, None, "ndcg@10")


def test_a_picture_is_a_png() -> None:
    assert as_png(CHART).startswith(b"\x89PNG")


def test_a_page_holds_all_that_it_needs() -> None:
    page = as_page(CHART)
    assert not re.findall(r"<(?:script|link|img)[^>]+(?:src|href)=.?https?:", page)
    assert '"actions": false' in page
    assert "@import" not in page


def test_categories_have_the_colours_that_are_told_apart() -> None:
    assert styled(CHART).to_dict()["config"]["range"]["category"] == list(COLOURS)


def test_every_text_of_a_drawing_has_the_colour_of_the_text_around_it() -> None:
    named = alt.Chart(pl.DataFrame({"x": [1], "name": ["a"]})).mark_text().encode(x="x:Q", text="name:N")
    drawing = as_drawing(named)
    assert ">a</text>" in drawing
    assert 'fill="black"' not in drawing
