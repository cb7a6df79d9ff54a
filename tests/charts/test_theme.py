import re

from nightschool.charts.alpha import alpha_chart
from nightschool.charts.theme import COLOURS, as_page, as_png, styled
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
