"""How values are distributed, drawn as a histogram."""

import altair as alt
import numpy as np
import polars as pl
from numpy.typing import NDArray

from nightschool.charts.theme import BLUE, HEIGHT, WIDTH, Chart

_BINS = 30
_FEW = 12
"""Up to so many values there is a bar for each."""


def median(values: NDArray[np.number]) -> str:
    """Write the median with its 95 % interval, from the order of the values: those at n/2 ± 0.98·√n."""
    half = 0.98 / np.sqrt(len(values))
    low, middle, high = np.quantile(values, [max(0.0, 0.5 - half), 0.5, min(1.0, 0.5 + half)])
    return f"{middle:,.0f} [{low:,.0f}, {high:,.0f}]"


def histogram(values: NDArray[np.number], title: str, of: str, *, log: bool = True) -> Chart:
    """Draw how values are distributed; on a log scale where they are long-tailed, a bar a value where they are few.

    Args:
        values: The values, at least one.
        title: What they are.
        of: What is counted.
        log: Whether the scale may be logarithmic.
    """
    numbers = values.astype(np.float64)
    distinct, n = np.unique(numbers, return_counts=True)
    if len(distinct) <= _FEW:
        return _bars(pl.DataFrame({"value": [f"{value:g}" for value in distinct], "n": n}), title, of)
    long = log and numbers.min() > 0 and numbers.max() > 20 * np.median(numbers)
    low, high = numbers.min(), numbers.max()
    edges = np.geomspace(low, high, _BINS + 1) if long else np.linspace(low, high if high > low else low + 1, _BINS + 1)
    counts, edges = np.histogram(numbers, edges)
    drawn = pl.DataFrame({"from": edges[:-1], "to": edges[1:], "n": counts})
    scale = alt.Scale(type="log") if long else alt.Scale(zero=False)
    base = alt.Chart(drawn).mark_rect(color=BLUE)
    bins = base.encode(
        x=alt.X("from:Q", title=title, scale=scale), x2="to:Q", y=alt.Y("n:Q", title=of), y2=alt.datum(0)
    )
    return alt.layer(bins).properties(width=WIDTH, height=HEIGHT)


def _bars(counts: pl.DataFrame, title: str, of: str) -> Chart:
    chart = alt.Chart(counts).mark_bar(color=BLUE)
    placed = chart.encode(
        x=alt.X("value:N", sort=None, title=title, axis=alt.Axis(labelAngle=0)), y=alt.Y("n:Q", title=of)
    )
    return alt.layer(placed).properties(width=WIDTH, height=HEIGHT)
