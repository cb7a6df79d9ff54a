"""Shares with their intervals, and bars of how often each value is there."""

import altair as alt
import polars as pl

from nightschool.charts.theme import BLUE, WIDTH
from nightschool.experiments.sequential import wilson
from nightschool.reports.document import Plot

_MOST = 15


def shares(n: int, total: int) -> str:
    """Write a share with its 95 % interval."""
    rate = wilson(n, total)
    return f"{rate.value:.1%} [{rate.low:.1%}, {rate.high:.1%}]" if rate else "none"


def bars(counts: pl.DataFrame, column: str, title: str) -> Plot:
    """Draw the most frequent values, and say which is on top and how much the others beyond the drawn ones are.

    Args:
        counts: The column, and n.
        column: Its name.
        title: What it is, for people.
    """
    ordered = counts.drop_nulls(column).sort("n", column, descending=[True, False])
    total, drawn = int(ordered["n"].sum()), ordered.head(_MOST)
    chart = (
        alt.Chart(drawn.select(pl.col(column).cast(pl.String).alias("value"), "n"))
        .mark_bar(color=BLUE)
        .encode(
            y=alt.Y("value:N", sort=None, title=None, axis=alt.Axis(labelLimit=260)),
            x=alt.X("n:Q", title=title),
        )
        .properties(width=WIDTH, height=alt.Step(20))
    )
    top, n = drawn.select(column, "n").row(0)
    even = 1 / ordered.height
    first = f"{top} comes first with {shares(int(n), total)}, where even shares are {even:.1%}"
    seen = f"{title[:1].upper()}{title[1:]}: {first}"
    rest = ordered.height - drawn.height
    return Plot.of(chart, f"{seen}{f'; {rest:,} rarer values are not drawn' if rest else ''}.")
