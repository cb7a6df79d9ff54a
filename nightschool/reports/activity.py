"""What users did: when, how much, and how unevenly."""

import math
from collections.abc import Callable

import altair as alt
import numpy as np
import polars as pl
from numpy.typing import NDArray

from nightschool.charts.theme import BLUE, HEIGHT, ORANGE, WIDTH
from nightschool.columns import DURATION, EVENT, ITEM_ID, LIKED, RATING, TIMESTAMP, USER_ID
from nightschool.data.manifest.manifest import Manifest
from nightschool.data.signals import signal_of
from nightschool.evaluation.metrics import gini
from nightschool.reports.counts import bars, shares
from nightschool.reports.document import Plot, Section
from nightschool.reports.habits import busiest_days, repeats, scores
from nightschool.reports.histograms import histogram, median

_Draw = Callable[[pl.LazyFrame], Plot | None]

_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_POINTS = 200  # of a Lorenz curve
_MOST_DAYS = 400
_DRAWN, _BOOTSTRAPS = 5_000, 40


def activity_section(events: pl.LazyFrame, manifest: Manifest) -> Section:
    """Draw activity over time and through the week, the long tails, and what events are like.

    Args:
        events: The interactions as of T.
        manifest: Says how they are scored, and which contexts they have.
    """
    facts = events.select(
        events=pl.len(),
        users=pl.col(USER_ID).n_unique(),
        items=pl.col(ITEM_ID).n_unique(),
        timed=pl.col(TIMESTAMP).count(),
    )
    n, users, items, timed = facts.collect().row(0)
    if not n:
        return Section("What users did", ["There are no interactions yet."])
    lead = [
        f"{n:,} interactions of {users:,} users with {items:,} items: {n / users:.1f} a user. Of all pairs of a user "
        f"and an item, {n / (users * items):.2%} at most were met."
    ]
    in_time: tuple[_Draw, ...] = (_over_time, _through_the_week, busiest_days) if timed else ()
    always: tuple[_Draw, ...] = (_tail, _of_users, _of_items, repeats, _durations, _ratings, _likes)
    plots = [draw(events) for draw in (*in_time, *always)]
    plots += [_kinds(events, column) for column in (EVENT, *manifest.contexts)]
    plots.append(scores(events, signal_of(manifest)))
    return Section("What users did", lead, [plot for plot in plots if plot is not None])


def _over_time(events: pl.LazyFrame) -> Plot:
    day = pl.col(TIMESTAMP).dt.date().alias("day")
    days = events.drop_nulls(TIMESTAMP).group_by(day).len(name="events").sort("day").collect()
    span = (days["day"][-1] - days["day"][0]).days + 1
    unit = "1d" if span <= _MOST_DAYS else "1w"
    drawn = days.group_by_dynamic("day", every=unit).agg(pl.col("events").sum())
    busiest = days.sort("events", "day", descending=[True, False]).row(0)
    chart = (
        alt.Chart(drawn)
        .mark_line(color=BLUE)
        .encode(
            x=alt.X("day:T", title=None), y=alt.Y("events:Q", title=f"events a {'day' if unit == '1d' else 'week'}")
        )
        .properties(width=WIDTH, height=HEIGHT)
    )
    mean = int(days["events"].sum()) / span
    squares = float((days["events"].cast(pl.Float64) ** 2).sum()) / span  # days without events count too
    error = 1.96 * math.sqrt(max(squares - mean**2, 0.0) / span)
    told = f"{mean:,.0f} ± {error:,.0f} events a day over {span:,} days"
    return Plot.of(chart, f"{told}; most, {busiest[1]:,}, on {busiest[0]}.")


def _bars_of_days(cells: pl.DataFrame) -> Plot:
    chart = alt.Chart(cells.select("day", "events")).mark_bar(color=BLUE)
    ordered = chart.encode(y=alt.Y("day:N", sort=list(_WEEKDAYS), title=None), x=alt.X("events:Q"))
    top = cells.sort("events", "weekday", descending=[True, False]).row(0, named=True)
    most = shares(top["events"], int(cells["events"].sum()))
    sentence = f"Most happens on {top['day']}: {most} of the events, where an even day has 14.3%."
    return Plot.of(ordered.properties(width=WIDTH, height=alt.Step(20)), sentence)


def _through_the_week(events: pl.LazyFrame) -> Plot:
    at = pl.col(TIMESTAMP)
    cells = (
        events.drop_nulls(TIMESTAMP)
        .group_by(weekday=at.dt.weekday(), hour=at.dt.hour())
        .len(name="events")
        .collect()
        .with_columns(day=pl.col("weekday").replace_strict(dict(enumerate(_WEEKDAYS, start=1))))
        .sort("weekday", "hour")
    )
    if cells["hour"].n_unique() == 1:
        # Dates without a time of day.
        return _bars_of_days(cells)
    chart = (
        alt.Chart(cells.select("day", "hour", "events"))
        .mark_rect()
        .encode(
            x=alt.X("hour:O", title="hour, UTC"),
            y=alt.Y("day:O", sort=list(_WEEKDAYS), title=None),
            color=alt.Color("events:Q", scale=alt.Scale(scheme="viridis"), title="events"),
        )
        .properties(width=WIDTH, height=alt.Step(24))
    )
    top = cells.sort("events", "weekday", "hour", descending=[True, False, False]).row(0, named=True)
    even = int(cells["events"].sum()) / (7 * 24)
    times, error = top["events"] / even, 1.96 * math.sqrt(top["events"]) / even
    noise = 1 + 4 / math.sqrt(max(even, 1.0))
    seen = (
        f"Most happens on {top['day']} at {top['hour']}:00, {times:.1f} ± {error:.1f} times as much as in an even week"
    )
    return Plot.of(chart, f"{seen}{'' if times > noise else ': no more than chance would make'}.")


def _tail(events: pl.LazyFrame) -> Plot:
    """Draw the Lorenz curves of items and users."""
    curves, told = [], []
    for who, column in (("items", ITEM_ID), ("users", USER_ID)):
        counts = events.group_by(column).len(name="n").collect()["n"].sort().to_numpy().astype(np.float64)
        share = np.concatenate([[0.0], np.cumsum(counts) / counts.sum()])
        at = np.unique(np.linspace(0, len(counts), min(_POINTS, len(counts) + 1)).astype(int))
        curves.append(pl.DataFrame({"who": who, "share": at / len(counts), "events": share[at]}))
        top = counts[-max(1, len(counts) // 10) :].sum() / counts.sum()
        told.append(f"the busiest tenth of the {who} has {top:.0%} of the events (Gini {_gini(counts)})")
    chart = (
        alt.Chart(pl.concat(curves))
        .mark_line()
        .encode(
            x=alt.X("share:Q", title="share of items or users, the quietest first", axis=alt.Axis(format="%")),
            y=alt.Y("events:Q", title="share of the events", axis=alt.Axis(format="%")),
            color=alt.Color("who:N", title=None, scale=alt.Scale(range=[BLUE, ORANGE])),
        )
        .properties(width=WIDTH, height=HEIGHT)
    )
    return Plot.of(chart, f"{told[0][:1].upper()}{told[0][1:]}, {told[1]}.")


def _gini(counts: NDArray[np.float64]) -> str:
    """Write the Gini coefficient with its interval, from a seeded bootstrap of at most some thousand of the counts."""
    rng, n = np.random.default_rng(0), len(counts)
    drawn = rng.choice(counts, min(n, _DRAWN), replace=False)
    again = [gini(np.sort(rng.choice(drawn, len(drawn)))) for _ in range(_BOOTSTRAPS)]
    return f"{gini(counts):.2f} ± {1.96 * np.std(again) * math.sqrt(len(drawn) / n):.2f}"


def _of_users(events: pl.LazyFrame) -> Plot:
    return _amounts(events, USER_ID, "user")


def _of_items(events: pl.LazyFrame) -> Plot:
    return _amounts(events, ITEM_ID, "item")


def _amounts(events: pl.LazyFrame, column: str, who: str) -> Plot:
    counts = events.group_by(column).len(name="n").collect()["n"].to_numpy()
    few = shares(int((counts < 5).sum()), len(counts))
    sentence = f"Half of the {who}s have {median(counts)} events or fewer; {few} have fewer than five."
    return Plot.of(histogram(counts, f"events of {'an' if who == 'item' else 'a'} {who}", f"{who}s"), sentence)


def _kinds(events: pl.LazyFrame, column: str) -> Plot | None:
    kinds = events.drop_nulls(column).group_by(column).agg(n=pl.len(), users=pl.col(USER_ID).n_unique()).collect()
    return bars(kinds, column, f"interactions by {column.replace('_', ' ')}") if kinds.height > 1 else None


def _durations(events: pl.LazyFrame) -> Plot | None:
    seconds = events.select(DURATION).drop_nulls().filter(pl.col(DURATION) > 0).collect()[DURATION].to_numpy()
    if not len(seconds):
        return None
    low, high = np.quantile(seconds, [0.1, 0.9])
    sentence = (
        f"Half of the durations are below {median(seconds)} s; eight in ten lie between {low:,.0f} and {high:,.0f} s."
    )
    return Plot.of(histogram(seconds, "duration, seconds", "events"), sentence)


def _ratings(events: pl.LazyFrame) -> Plot | None:
    ratings = events.select(RATING).drop_nulls().collect()[RATING].to_numpy()
    if not len(ratings):
        return None
    error = 1.96 * ratings.std() / math.sqrt(len(ratings))
    sentence = f"{len(ratings):,} ratings with a mean of {ratings.mean():.3f} ± {error:.3f}."
    return Plot.of(histogram(ratings, "rating", "events", log=False), sentence)


def _likes(events: pl.LazyFrame) -> Plot | None:
    """Draw the share of likes over tenths of the duration."""
    told = events.select(DURATION, LIKED).drop_nulls().filter(pl.col(DURATION) > 0).collect()
    if told.height < 100 or told[LIKED].n_unique() < 2:
        return None
    tenth = pl.col(DURATION).rank("ordinal").sub(1).mul(10).floordiv(pl.len()).cast(pl.Int32)
    rows = (
        told.with_columns(tenth=tenth)
        .group_by("tenth")
        .agg(pl.col(DURATION).median().alias("seconds"), pl.col(LIKED).mean().alias("share"), pl.len().alias("n"))
    )
    error = 1.96 * (pl.col("share") * (1 - pl.col("share")) / pl.col("n")).sqrt()
    rows = rows.sort("tenth").with_columns(low=pl.col("share") - error, high=pl.col("share") + error)
    base = alt.Chart(rows).encode(x=alt.X("seconds:Q", title="duration, seconds", scale=alt.Scale(type="log")))
    height = alt.Y("low:Q", title="share of likes", axis=alt.Axis(format="%"))
    chart = alt.layer(
        base.mark_area(opacity=0.2, color=BLUE).encode(y=height, y2="high:Q"),
        base.mark_line(point={"color": BLUE}, color=BLUE).encode(y="share:Q"),
    ).properties(width=WIDTH, height=HEIGHT)
    first, last = rows.row(0, named=True), rows.row(-1, named=True)
    apart = first["high"] < last["low"] or last["high"] < first["low"]
    seen = f"{first['share']:.1%} of the shortest tenth are liked and {last['share']:.1%} of the longest"
    return Plot.of(chart, f"{seen}: {'the intervals are apart' if apart else 'no difference is shown'}.")
