"""Shares with their intervals, and bars of how often each value is there; rare values stay unnamed."""

from typing import Final

import altair as alt
import polars as pl

from nightschool.charts.theme import BLUE, WIDTH
from nightschool.experiments.intervals import wilson
from nightschool.reports.document import Plot

SHARED: Final = 20
"""Users who must share a value before a report names it: what fewer share might tell who they are."""

_MOST = 15


def shares(n: int, total: int) -> str:
    """Write a share with its 95 % interval."""
    rate = wilson(n, total)
    return f"{rate.value:.1%} [{rate.low:.1%}, {rate.high:.1%}]" if rate else "none"


def bars(counts: pl.DataFrame, column: str, title: str) -> Plot | None:
    """Draw the most frequent values and all others as one, and say which value is on top; None where none is shared.

    Args:
        counts: The column, n, and of values that users have: users, who share each.
        column: Its name.
        title: What it is, for people.
    """
    known = counts.drop_nulls(column).select(pl.col(column).cast(pl.String).alias("value"), pl.exclude(column))
    shared = known.filter(pl.col("users") >= SHARED) if "users" in known.columns else known
    drawn = shared.sort("n", "value", descending=[True, False]).head(_MOST).select("value", "n")
    if drawn.is_empty():
        return None
    total, n_rest = int(known["n"].sum()), known.height - drawn.height
    rest = pl.DataFrame({"value": [_other(n_rest)], "n": [total - drawn["n"].sum()]}, schema=drawn.schema)
    chart = (
        alt.Chart(pl.concat([drawn, rest]) if n_rest else drawn)
        .mark_bar(color=BLUE)
        .encode(
            y=alt.Y("value:N", sort=None, title=None, axis=alt.Axis(labelLimit=260)),
            x=alt.X("n:Q", axis=alt.Axis(tickCount=8), title=title),
        )
        .properties(width=WIDTH, height=alt.Step(20))
    )
    top, n = drawn.row(0)
    first = f"{top} comes first with {shares(int(n), total)}, where even shares are {1 / known.height:.1%}"
    few = f", or shared by fewer than {SHARED} users" if "users" in known.columns else ""
    left = f"; {_other(n_rest)}: rarer{few}" if n_rest else ""
    return Plot.of(chart, f"{title[:1].upper()}{title[1:]}: {first}{left}.")


def _other(n: int) -> str:
    return f"other ({n:,} value{'' if n == 1 else 's'})"
