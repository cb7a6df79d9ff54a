"""The declared attributes of users and items: how often each value is there, and which attributes go together."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import altair as alt
import numpy as np
import polars as pl

from nightschool.charts.theme import WIDTH
from nightschool.columns import EVENT, ITEM_ID, USER_ID
from nightschool.reports.counts import SHARED, bars
from nightschool.reports.document import Plot, Section
from nightschool.reports.histograms import histogram

_TYPICAL = 5  # users or items that a value has in an attribute that is drawn
_MOST_VALUES = 60  # of an attribute in a cross-table
_MOST_SHOWN = 12  # values a side of a cross-table
_MOST_PAIRS = 6
_THE_SAME = 0.999
"""From this share of the information on, one attribute is part of the other."""


@dataclass(frozen=True)
class Declared:
    """The declared columns of users or items: single labels, lists of labels, and numbers."""

    labels: Sequence[str] = ()
    lists: Sequence[str] = ()
    numbers: Sequence[str] = ()


def attributes_section(
    users: pl.DataFrame, items: pl.DataFrame, events: pl.LazyFrame, of_users: Declared, of_items: Declared
) -> Section:
    """Draw each attribute, and the pairs of labels that tell most of each other over all events.

    Args:
        users: The users as of T.
        items: The items as of T.
        events: The interactions as of T.
        of_users: The declared columns of users.
        of_items: The declared columns of items.
    """
    by_users = [_values(users, column, "users").with_columns(users="n") for column in of_users.labels]
    by_users += [_values(users.explode(column), column, "users").with_columns(users="n") for column in of_users.lists]
    by_items = [_values(items, column, "items") for column in of_items.labels]
    by_items += [_values(items.explode(column), column, "items") for column in of_items.lists]
    plots = [_bars(counts) for counts in (*by_users, *by_items)]
    plots += [_numbers(users, column, "users") for column in of_users.numbers]
    plots += [_numbers(items, column, "items") for column in of_items.numbers]
    plots += _together(users, items, events, of_users.labels, of_items.labels)
    shown = [plot for plot in plots if plot is not None]
    lead = [] if shown else ["No attribute with few values that many users share is declared."]
    return Section("What users and items are", lead, shown)


def _values(frame: pl.DataFrame, column: str, who: str) -> pl.DataFrame:
    """Count users or items by value, under the title of their plot."""
    return frame.drop_nulls(column).group_by(pl.col(column).alias(f"{who} by {column.replace('_', ' ')}")).len(name="n")


def _numbers(frame: pl.DataFrame, column: str, who: str) -> Plot | None:
    """Draw the middle 98 % of a column of numbers: who is alone at an end is not drawn."""
    values = frame[column].cast(pl.Float64).drop_nulls().drop_nans().to_numpy()
    if len(values) < 100 * SHARED:
        return None
    low, lower, middle, upper, high = np.quantile(values, [0.01, 0.1, 0.5, 0.9, 0.99])
    name = column.replace("_", " ")
    chart = histogram(values[(values >= low) & (values <= high)], name, who)
    return Plot.of(
        chart, f"Half of the {who} have {name} {middle:,.4g} or less, eight in ten {lower:,.4g} to {upper:,.4g}."
    )


def _bars(counts: pl.DataFrame) -> Plot | None:
    title = counts.columns[0]
    return bars(counts, title, title) if counts.height > 1 and (counts["n"] >= _TYPICAL).any() else None


def _together(
    users: pl.DataFrame, items: pl.DataFrame, events: pl.LazyFrame, of_users: Sequence[str], of_items: Sequence[str]
) -> list[Plot | None]:
    """Draw the pairs that tell most of each other, as cross-tables."""
    rows = events.select(USER_ID, ITEM_ID, pl.col(EVENT).cast(pl.Categorical))
    for table, key, who, columns in ((users, USER_ID, "user", of_users), (items, ITEM_ID, "item", of_items)):
        # Categories, and not texts: what follows is then four times as quick.
        named = [_label(column).alias(f"{column.replace('_', ' ')} ({who})") for column in columns]
        rows = rows.join(table.lazy().select(key, *named), on=key, how="left")
    met = rows.select(USER_ID, pl.exclude(USER_ID, ITEM_ID, EVENT), EVENT).collect()
    kept = [name for name in met.columns[1:] if 1 < met[name].drop_nulls().n_unique() <= _MOST_VALUES]
    pairs = met.group_by(kept).len(name="n")
    told = sorted((_information(pairs, *pair) for pair in combinations(kept, 2)), key=lambda one: -one[0])
    best = [one for one in told if one[0] < _THE_SAME][:_MOST_PAIRS]
    return [_cross(_cells(met, *pair), share, shown=shown) for share, shown, pair in best]


def _label(column: str) -> pl.Expr:
    return pl.col(column).cast(pl.String).cast(pl.Categorical)


def _cells(met: pl.DataFrame, a: str, b: str) -> pl.DataFrame:
    """Return both labels, n and users of each pair of labels that was met."""
    cells = met.drop_nulls([a, b]).group_by(a, b).agg(pl.len().alias("n"), pl.col(USER_ID).n_unique().alias("users"))
    return cells.cast({a: pl.String, b: pl.String})


def _information(pairs: pl.DataFrame, a: str, b: str) -> tuple[float, bool, tuple[str, str]]:
    """Return how much of the less uncertain attribute the other one tells, and whether chance would not tell as much.

    Mutual information over the smaller entropy. Where nothing is told, 2·n times the information is chi-square with as
    many degrees of freedom as the table has: its mean and three standard deviations are the bound.
    """
    table = _counts(pairs, a, b)
    n = table.sum()
    p = table / n
    rows, columns = p.sum(axis=1, keepdims=True), p.sum(axis=0, keepdims=True)
    filled = p > 0
    information = float((p[filled] * np.log(p[filled] / (rows @ columns)[filled])).sum())
    entropy = min(-(q[q > 0] * np.log(q[q > 0])).sum() for q in (rows.ravel(), columns.ravel()))
    freedom = (table.shape[0] - 1) * (table.shape[1] - 1)
    shown = 2 * n * information > freedom + 3 * np.sqrt(2 * freedom)
    return (information / entropy if entropy > 0 else 0.0), bool(shown), (a, b)


def _counts(pairs: pl.DataFrame, a: str, b: str) -> np.ndarray:
    counts = pairs.drop_nulls([a, b]).group_by(a, b).agg(pl.col("n").sum())
    table = counts.pivot(on=b, index=a, values="n").fill_null(0).drop(a)
    return table.to_numpy().astype(np.float64)


def _cross(counts: pl.DataFrame, share: float, *, shown: bool) -> Plot | None:
    """Draw how many times as often two values meet as they would if they had nothing to do with each other.

    Pairs of values that few users share are not drawn.
    """
    a, b = counts.columns[:2]
    n = pl.col("n").cast(pl.Float64)  # whole numbers of 32 bits would not hold the products
    cells = counts.with_columns(times=n * n.sum() / (n.sum().over(a) * n.sum().over(b)))
    top = {
        one: counts.group_by(one).agg(pl.col("n").sum()).sort("n", one, descending=[True, False]).head(_MOST_SHOWN)
        for one in (a, b)
    }
    drawn = cells.join(top[a].select(a), on=a, how="semi").join(top[b].select(b), on=b, how="semi")
    drawn = drawn.filter(pl.col("users") >= SHARED)
    if drawn.is_empty():
        return None
    chart = (
        alt.Chart(
            drawn.select(pl.col(a).alias("left"), pl.col(b).alias("top"), "n", pl.col("times").log(2).alias("doubling"))
        )
        .mark_rect()
        .encode(
            y=alt.Y("left:N", title=a, axis=alt.Axis(labelLimit=180)),
            x=alt.X("top:N", title=b, axis=alt.Axis(labelLimit=140, labelAngle=-35)),
            color=alt.Color(
                "doubling:Q", scale=alt.Scale(scheme="blueorange", domainMid=0), title=["doublings", "against chance"]
            ),
        )
        .properties(width=min(WIDTH, 46 * top[b].height), height=alt.Step(22))
    )
    best = drawn.sort("times", a, b, descending=[True, False, False]).row(0, named=True)
    if not shown:
        return Plot.of(
            chart, f"{a} and {b}: no more goes together than chance would make ({share:.1%} of the information)."
        )
    told = f"{a} and {b}: one tells {share:.1%} of what is open about the other"
    return Plot.of(chart, f"{told}; {best[a]} meets {best[b]} {best['times']:.1f} times as often as by chance.")
