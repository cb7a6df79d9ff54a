from datetime import timedelta

from nightschool.reports.costs import costs_section
from nightschool.storage.nights import NightRow
from tests.reports.frames import START

STAGES = {"select": {"seconds": 30.0, "cpu_seconds": 55.0, "gigabytes": 1.5}, "prove": {"seconds": 2.25}}
NIGHTS = [
    NightRow(ended_at=START + timedelta(days=day), release_id="r", stages={"select": {"seconds": 10.0 * day}})
    for day in (3, 2, 1)
]


def test_the_stages_of_the_night_and_the_nights_are_told() -> None:
    section = costs_section(NightRow(stages=STAGES), NIGHTS)
    assert section.lead == ["Its stages took 32.2 s, 55.0 s of processors, and at most 1.5 GB; the longest was select."]
    assert section.tables[0].rows == [("select", "30.00", "55.00", "1.50"), ("prove", "2.25", "–", "–")]
    assert [plot.sentence for plot in section.plots] == [
        "Half of 3 nights took 20.0 s or less; the last 30.0 s.",
        "No night took more than 0.0 GB; the last 0.0 GB.",
    ]


def test_a_night_that_is_gone_is_said() -> None:
    section = costs_section(None, NIGHTS[:2])
    assert (section.lead, section.plots, section.tables) == (["Nothing is on record of this night."], [], [])
