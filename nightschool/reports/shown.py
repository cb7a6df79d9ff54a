"""What was shown in the last weeks, and what came of it: by place, scenario, release and segment."""

from collections.abc import Sequence

import altair as alt
import polars as pl

from nightschool.charts.theme import BLUE, ORANGE, WIDTH, Chart
from nightschool.experiments.intervals import Estimate
from nightschool.reports.document import Plot, Rows, Section
from nightschool.reports.shown_rates import RECENT, Rate

_TITLE = "What was shown, and what came of it"


def shown_section(rates: Sequence[Rate], unknown: int) -> Section:
    """Draw how often what was shown was clicked and completed.

    Args:
        rates: As `rates_of` computes them.
        unknown: Impressions of lists that are not known, which count nowhere.
    """
    lost = [f"{unknown:,} impressions were of lists that are not known, and count nowhere."] if unknown else []
    total = next((rate for rate in rates if rate.kind == "all"), None)
    if total is None:
        told = f"In the {RECENT.days} days before T nobody said that a list was shown: see POST /v1/impressions."
        return Section(_TITLE, [told, *lost])
    lead = [
        f"In the {RECENT.days} days before T {total.shown:,} items were shown: {_percent(total.clicked)} of them were "
        f"clicked (viewed, liked or completed) and {_percent(total.completed)} completed within a day.",
        "Lists that a request changed by hand are left out. Intervals take the items as independent of each other.",
        *lost,
    ]
    places = [rate for rate in rates if rate.kind == "place"]
    plots = [Plot.of(_by_place(places), _first_and_last(places))]
    scenarios = [rate for rate in rates if rate.kind == "scenario"]
    if len(scenarios) > 1:
        plots.append(Plot.of(_by_value(scenarios), _best("scenario", scenarios)))
    kinds = dict.fromkeys(rate.kind for rate in rates if rate.kind not in ("all", "place"))
    tables = [_table(kind, [rate for rate in rates if rate.kind == kind]) for kind in ("place", *kinds)]
    return Section(_TITLE, lead, plots, tables)


def _frame(rates: Sequence[Rate]) -> pl.DataFrame:
    rows = [
        (rate.value, name, *estimate)
        for rate in rates
        for name, estimate in (("clicked", rate.clicked), ("completed", rate.completed))
    ]
    return pl.DataFrame(rows, ["value", "figure", "rate", "low", "high"], orient="row")


def _by_place(places: Sequence[Rate]) -> Chart:
    frame = _frame(places).with_columns(pl.col("value").cast(pl.Int64))
    base = alt.Chart(frame).encode(
        x=alt.X("value:Q", title="place", axis=alt.Axis(tickMinStep=1)), color=_colour(), shape=_shape()
    )
    title = "share of the shown items, 95 % interval"
    return alt.layer(
        base.mark_rule(strokeWidth=2).encode(y=alt.Y("low:Q", title=title, axis=alt.Axis(format="%")), y2="high:Q"),
        base.mark_point(filled=True, size=50).encode(y="rate:Q"),
    ).properties(width=WIDTH, height=220)


def _by_value(rates: Sequence[Rate]) -> Chart:
    base = alt.Chart(_frame(rates)).encode(
        y=alt.Y("value:N", sort=[rate.value for rate in rates], title=None, axis=alt.Axis(labelLimit=320)),
        color=_colour(),
        shape=_shape(),
    )
    title = "share of the shown items, 95 % interval"
    return alt.layer(
        base.mark_rule(strokeWidth=2).encode(x=alt.X("low:Q", title=title, axis=alt.Axis(format="%")), x2="high:Q"),
        base.mark_point(filled=True, size=50).encode(x="rate:Q"),
    ).properties(width=WIDTH - 120, height=alt.Step(26))


def _colour() -> alt.Color:
    return alt.Color("figure:N", scale=alt.Scale(domain=["clicked", "completed"], range=[BLUE, ORANGE]), title=None)


def _shape() -> alt.Shape:
    return alt.Shape("figure:N", scale=alt.Scale(domain=["clicked", "completed"]), title=None)


def _first_and_last(places: Sequence[Rate]) -> str:
    first, last = places[0], places[-1]
    if first is last:
        return f"Only place {first.value} was shown: {_percent(first.clicked)} were clicked."
    at_first = f"At place {first.value} {_percent(first.clicked)} were clicked"
    return f"{at_first}, at place {last.value} {_percent(last.clicked)}."


def _best(kind: str, rates: Sequence[Rate]) -> str:
    best = max(rates, key=lambda rate: rate.clicked.value)
    return f"By {kind}, {best.value} was clicked most: {_percent(best.clicked)} of {best.shown:,} shown items."


def _table(kind: str, rates: Sequence[Rate]) -> Rows:
    rows = [(rate.value, f"{rate.shown:,}", _percent(rate.clicked), _percent(rate.completed)) for rate in rates]
    return Rows(f"By {kind}, with 95 % Wilson intervals", [kind, "shown", "clicked", "completed"], rows)


def _percent(estimate: Estimate) -> str:
    return f"{estimate.value:.1%} [{estimate.low:.1%}, {estimate.high:.1%}]"
