import re

import altair as alt
import polars as pl

from nightschool.reports.document import Plot, Rows, Section, render

CHART = alt.Chart(pl.DataFrame({"x": [1, 2], "name": ["<b>", "b"]})).mark_bar().encode(x="x:Q", y="name:N")


def test_a_page_needs_nothing_else_and_escapes_what_it_shows() -> None:
    section = Section("Part <1>", ["a & b"], [Plot.of(CHART, "A <sentence>.")], [Rows("c", ["x"], [("<td>",)])])
    page = render("A <title>", "below", [section])
    assert "<script" not in page
    assert not re.findall(r"(?:src|href)=.?(?:https?:|//)", page)
    for text in ("A &lt;title&gt;", "Part &lt;1&gt;", "a &amp; b", "A &lt;sentence&gt;.", "&lt;td&gt;", "&lt;b&gt;"):
        assert text in page


def test_a_drawing_has_the_colour_of_the_text_around_it_and_no_ground() -> None:
    drawing = Plot.of(CHART, "").drawing
    assert 'fill="currentColor"' in drawing
    assert 'fill="white"' not in drawing


def test_numbers_are_to_the_right_and_texts_to_the_left() -> None:
    rows = Rows("c", ["name", "value", "why"], [("9", "+0.1 [0, 1]", "because"), ("b", "–", "")])
    assert rows.sides == ["text", "number", "text"]
    assert Rows("c", ["name", "value"], []).sides == ["text", "number"]
