"""The figures that are watched, over the releases, and which of them are not what was expected."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import altair as alt
import polars as pl

from nightschool.charts.theme import BLUE, ORANGE, WIDTH, Chart
from nightschool.evaluation.segments import OVERALL
from nightschool.night.entries import ShiftEntry
from nightschool.night.monitoring.drift import MISSING, PSI
from nightschool.night.monitoring.lists import CHANGED
from nightschool.night.monitoring.shifts import WATCHED, PastNight, in_words
from nightschool.reports.document import Plot, Rows, Section

_LEAST: Final = 3
"""Releases without which nothing is drawn over time."""
_COLUMNS: Final = 3


def watched_section(releases: Sequence[tuple[datetime, PastNight]]) -> Section:
    """Draw each watched figure over the releases up to this one, and say what is outside of its limits.

    Args:
        releases: T and figures of each release, oldest first; the last is the one that the report is about.
    """
    own = releases[-1][1]
    notes = [f"{in_words(shift)[:1].upper()}{in_words(shift)[1:]}." for shift in own.shifts]
    lead = notes or ["No watched figure is outside of the limits that the releases before let expect."]
    changed = own.figures.get((CHANGED, "all", OVERALL))
    if changed is not None:
        lead.append(f"Of users who did nothing since the release before, {changed.value:.1%} have another first ten.")
    plots = [Plot.of(_lines(releases), _counted(releases))] if len(releases) >= _LEAST else []
    return Section("What is watched over the nights", lead, plots, [*_drift(own), *_shifts(own.shifts)])


def _lines(releases: Sequence[tuple[datetime, PastNight]]) -> Chart:
    """Draw a small chart a figure, of all users and items; orange where it was outside."""
    words = {(one.metric, one.split): one.words.split(" of the ")[0] for one in WATCHED}
    rows = [
        (as_of, words[key[:2]], seen.value, night.shift(key) is not None)
        for as_of, night in releases
        for key, seen in night.figures.items()
        if key[2] == OVERALL
    ]
    frame = pl.DataFrame(rows, schema=["T", "figure", "value", "outside"], orient="row")
    base = alt.Chart(frame).encode(
        x=alt.X("T:T", title=None, axis=alt.Axis(tickCount=3, format="%b %d")),
        y=alt.Y("value:Q", title=None, scale=alt.Scale(zero=False), axis=alt.Axis(tickCount=3)),
    )
    colour = alt.condition(alt.datum.outside, alt.value(ORANGE), alt.value(BLUE))
    layers = alt.layer(
        base.mark_line(color=BLUE, strokeWidth=1.5), base.mark_point(filled=True, size=25).encode(color=colour)
    ).properties(width=(WIDTH - 120) // _COLUMNS, height=70)
    facets = layers.facet(alt.Facet("figure:N", title=None, sort=[*words.values()]), columns=_COLUMNS)
    drawn: Chart = facets.resolve_scale(y="independent")
    return drawn


def _counted(releases: Sequence[tuple[datetime, PastNight]]) -> str:
    outside = sum(any(shift.segment == OVERALL for shift in night.shifts) for _, night in releases)
    if not outside:
        return f"On none of {len(releases)} releases was one of these figures outside of its limits."
    return f"On {outside} of {len(releases)} releases one of these figures or more was outside of its limits (orange)."


def _shifts(shifts: Sequence[ShiftEntry]) -> list[Rows]:
    rows = [
        (
            shift.words if shift.segment == OVERALL else f"{shift.words}: {shift.segment}",
            f"{shift.seen:.4g}",
            f"{max(shift.low, 0):.4g} – {shift.high:.4g}",
            str(shift.nights),
        )
        for shift in shifts
    ]
    return [Rows("Outside of their limits", ["figure", "seen", "expected", "nights"], rows)] if rows else []


def _drift(night: PastNight) -> list[Rows]:
    """Show how the columns of the new events differ from the four weeks before."""
    columns = sorted(segment for metric, _, segment in night.figures if metric == PSI)
    rows = [
        (name, f"{night.figures[PSI, 'all', name].value:.3f}", f"{missing.value:.1%}")
        for name in columns
        if (missing := night.figures.get((MISSING, "all", name))) is not None
    ]
    caption = "The events since the release before, against the four weeks before it (from 0.25 on a shift is large)"
    return [Rows(caption, ["column", "stability index beyond chance", "missing"], rows)] if rows else []
