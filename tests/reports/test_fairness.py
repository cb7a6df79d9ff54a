import polars as pl

from nightschool.evaluation.figure_rows import Figure, figure_rows
from nightschool.reports.fairness import fairness_section

GAP = {"segment": "team:a", "n_users": 30, "difference": -0.02, "ci_low": -0.03, "ci_high": -0.01, "p_value": 0.001}
SHOWN = {**GAP, "shown": True}
OTHER = {**GAP, "segment": "team:b", "difference": 0.02, "ci_low": 0.01, "ci_high": 0.03, "shown": True}
CHANCE = {**GAP, "segment": "team:c", "p_value": 0.6, "shown": False}


def shares(exposure: float, chosen: float, interval=(None, None)) -> list[Figure]:
    return [
        Figure("exposure", exposure, 10, 40, "topic:red", interval),
        Figure("chosen_share", chosen, segment="topic:red"),
        Figure("offered_share", 0.5, segment="topic:red"),
    ]


def section(gaps=(), figures=()):
    return fairness_section({"gaps": gaps}, figure_rows(figures))


def test_segments_that_are_shown_to_differ_are_named_with_intervals():
    found = section([SHOWN, OTHER, CHANCE])
    assert found.plots[0].sentence == (
        "2 of them are shown to be served otherwise than the others (orange): team:a -0.0200 [-0.0300, -0.0100]; "
        "team:b +0.0200 [+0.0100, +0.0300]. 3 segments were compared, with Holm's adjustment."
    )
    assert found.tables[0].rows[0] == ("team:a", "30", "-0.0200", "-0.0300 – -0.0100", "0.001")


def test_without_a_shown_difference_it_says_so():
    assert section([CHANCE]).plots[0].sentence.startswith("No segment is shown to be served better or worse")
    assert section().lead == ["Too few users have held-out choices to compare segments of them."]


def test_each_kind_of_items_has_its_shares_and_the_largest_difference():
    found = section(figures=shares(0.6, 0.4, (0.55, 0.65)))
    assert found.plots[0].sentence == (
        "By topic, red differs most: 60.0% [55.0%, 65.0%] of the places, 40.0% of what users chose."
    )
    assert section(figures=shares(0.6, 0.58, (0.55, 0.65))).plots[0].sentence.endswith("; that may be chance.")
    assert "[" not in section(figures=shares(0.6, 0.4)).plots[0].sentence
    assert section(figures=shares(0.4, 0.4)).plots[0].sentence == "By topic, lists show what users chose, within 0.1%."


def test_every_plot_is_a_drawing():
    for plot in section([SHOWN, OTHER], shares(0.6, 0.4)).plots:
        assert plot.drawing.startswith("<svg")


def test_a_release_of_before_has_neither():
    found = fairness_section({}, pl.DataFrame(schema=figure_rows([]).schema))
    assert (found.plots, found.tables) == ([], [])
