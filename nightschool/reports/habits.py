"""What users do again, how much some do in a day, and what their interactions are worth."""

import math

import altair as alt
import numpy as np
import polars as pl
from markupsafe import Markup

from nightschool.charts.theme import BLUE, WIDTH
from nightschool.columns import DURATION, EVENT, ITEM_ID, LIKED, RATING, SCORE, TIMESTAMP, USER_ID
from nightschool.data.signals import Signal, score_events
from nightschool.reports.counts import shares
from nightschool.reports.document import Plot
from nightschool.reports.histograms import histogram

_MOST_TIMES = 6
_FAR_OUT = 3.0
_MANY = 50


def repeats(events: pl.LazyFrame) -> Plot:
    """Draw how often users come back to an item.

    Args:
        events: The interactions as of T, at least one.
    """
    pairs = events.group_by(USER_ID, ITEM_ID).len(name="times")
    counts = pairs.group_by("times").len(name="n").sort("times").collect()
    n_pairs, n_events = (
        int(each)
        for each in counts.select(pl.col("n").sum(), pl.col("n").cast(pl.Int64).dot("times").alias("all")).row(0)
    )
    if n_events == n_pairs:
        return Plot(Markup(), "No interaction repeats an earlier one: each user meets an item once.")
    capped = counts.group_by(pl.col("times").clip(upper_bound=_MOST_TIMES)).agg(pl.col("n").sum()).sort("times")
    name = pl.when(pl.col("times") < _MOST_TIMES).then(pl.col("times").cast(pl.String)).otherwise(pl.lit("6 or more"))
    chart = (
        alt.Chart(capped.select(name.alias("times"), "n"))
        .mark_bar(color=BLUE)
        .encode(
            y=alt.Y("times:N", sort=None, title=["interactions of a user", "with an item"]),
            x=alt.X("n:Q", axis=alt.Axis(tickCount=8), title="pairs of a user and an item"),
        )
        .properties(width=WIDTH, height=alt.Step(20))
    )
    again = shares(n_events - n_pairs, n_events)
    return Plot.of(chart, f"{again} of the interactions repeat an earlier one of the same user with the same item.")


def busiest_days(events: pl.LazyFrame) -> Plot:
    """Draw how much users do on their busiest day, and say how many do so much more than others that they may be bots.

    More is beyond three interquartile ranges above the upper quartile, of logarithms: Tukey (1977), "Exploratory data
    analysis", calls that far out.

    Args:
        events: The interactions as of T, with times.
    """
    days = events.drop_nulls(TIMESTAMP).group_by(USER_ID, pl.col(TIMESTAMP).dt.date()).len(name="n")
    users = days.group_by(USER_ID).agg(most=pl.col("n").max(), all=pl.col("n").sum()).collect()
    most = users["most"].to_numpy()
    low, high = np.quantile(np.log(most), [0.25, 0.75])
    fence = max(_MANY, round(math.exp(high + _FAR_OUT * (high - low))))
    beyond = users.filter(pl.col("most") > fence)
    chart = histogram(most, "events on a user's busiest day", "users")
    if beyond.is_empty():
        return Plot.of(chart, f"No user has a day with more than {fence:,} events, far above others: no sign of bots.")
    share = int(beyond["all"].sum()) / int(users["all"].sum())
    told = f"{shares(beyond.height, users.height)} of the users have a day with more than {fence:,} events"
    return Plot.of(chart, f"{told}, far above others, and made {share:.1%} of all events: maybe bots.")


def scores(events: pl.LazyFrame, signal: Signal) -> Plot | None:
    """Draw what interactions are worth; None where that is their rating, or the same for all.

    Args:
        events: The interactions as of T.
        signal: How they are scored.
    """
    if signal.mode not in {"engagement", "events"}:
        return None
    scored = score_events(events.select(EVENT, DURATION, LIKED, RATING).collect(), signal)
    values = scored[SCORE].drop_nulls().to_numpy()
    if len(values) < 2 or values.min() == values.max():
        return None
    error = 1.96 * values.std() / math.sqrt(len(values))
    chart = histogram(values, "score of an interaction", "interactions", log=False)
    mean = f"An interaction is worth {values.mean():.3f} ± {error:.3f} points on average"
    return Plot.of(chart, f"{mean}, half {np.median(values):.2f} or less.")
