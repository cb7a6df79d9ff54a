from datetime import timedelta

from nightschool.night.entries import ShiftEntry
from nightschool.night.monitoring.shifts import PastNight, Seen
from nightschool.reports.watched import watched_section
from tests.reports.frames import START

COVERAGE = ("coverage", "all", "all")
SHIFT = ShiftEntry(
    metric="coverage",
    split="all",
    segment="all",
    words="coverage@10 of the lists",
    seen=0.3,
    expected=0.6,
    low=0.5,
    high=0.7,
)


def releases(n: int, *shifts: ShiftEntry, **more: float):
    figures = {COVERAGE: Seen(0.6), **{(name, "all", "event"): Seen(value) for name, value in more.items()}}
    nights = [(START + timedelta(days=day), PastNight({}, "b", figures)) for day in range(n - 1)]
    return [*nights, (START + timedelta(days=n), PastNight({}, "b", figures, shifts))]


def test_without_shifts_it_says_so_and_draws_the_figures_over_time():
    found = watched_section(releases(5))
    assert found.lead == ["No watched figure is outside of the limits that the releases before let expect."]
    assert found.plots[0].sentence == "On none of 5 releases was one of these figures outside of its limits."
    assert found.plots[0].drawing.startswith("<svg")
    assert found.tables == []


def test_a_shift_is_told_and_in_a_table():
    found = watched_section(releases(5, SHIFT))
    assert found.lead == ["Coverage@10 of the lists is 0.3, where 0.5 to 0.7 was expected."]
    assert found.plots[0].sentence.startswith("On 1 of 5 releases")
    assert found.tables[0].rows == [("coverage@10 of the lists", "0.3", "0.5 – 0.7", "1")]


def test_too_few_releases_are_not_drawn():
    assert watched_section(releases(2)).plots == []


def test_the_drift_of_each_column_is_shown():
    found = watched_section(releases(3, psi=0.3, missing_values=0.25))
    assert found.tables[0].rows == [("event", "0.300", "25.0%")]


def test_lists_that_changed_are_counted():
    night = PastNight({}, "b", {("changed_lists", "all", "all"): Seen(0.12)})
    assert watched_section([(START, night)]).lead[-1] == (
        "Of users who did nothing since the release before, 12.0% have another first ten."
    )
