from nightschool.reports.shown import shown_section
from nightschool.reports.shown_rates import rates_of
from tests.reports.frames import shown
from tests.reports.test_shown_rates import USERS


def test_without_impressions_it_says_so() -> None:
    found = shown_section([], 3)
    assert "nobody said that a list was shown" in found.lead[0]
    assert found.lead[1].startswith("3 impressions were of lists that are not known")
    assert (found.plots, found.tables) == ((), ())


def test_places_and_scenarios_are_drawn_and_every_kind_has_a_table() -> None:
    found = shown_section(rates_of(shown(400), USERS, ["department"]), 0)
    assert found.lead[0].startswith("In the 28 days before T 400 items were shown: ")
    assert len(found.plots) == 2
    assert all(plot.drawing.startswith("<svg") for plot in found.plots)
    assert found.plots[0].sentence.startswith("At place 1 ")
    assert found.plots[1].sentence.startswith("By scenario, ")
    assert [table.columns[0] for table in found.tables] == ["place", "scenario", "release", "department"]
    assert found.tables[0].rows[0][0] == "1"


def test_one_place_and_one_scenario_are_told_without_a_comparison() -> None:
    frame = shown(400)
    found = shown_section(rates_of(frame.filter(place=2, scenario="hero"), USERS, []), 0)
    assert len(found.plots) == 1
    assert found.plots[0].sentence.startswith("Only place 2 was shown: ")
