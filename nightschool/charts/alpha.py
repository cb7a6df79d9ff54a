"""The chart that answers which α: validation quality over the α of the sweep."""

from collections.abc import Mapping

import altair as alt
import polars as pl

from nightschool.charts.theme import BLUE, GREY, HEIGHT, ORANGE, WIDTH, Chart
from nightschool.storage.night_log import Mean


def alpha_chart(means: Mapping[float, Mean], popularity: Mean | None, metric: str) -> Chart:
    """Draw the metric's mean over α with its interval as a band, the best one named, and popularity as a line.

    Args:
        means: α to the mean of its hybrid.
        popularity: The mean of popularity, which knows no α; None without.
        metric: The name of the metric.
    """
    rows = [(alpha, f"α = {alpha:g}", *mean) for alpha, mean in means.items()]
    points = pl.DataFrame(rows, schema=["alpha", "name", *Mean._fields], orient="row")
    over = alt.X("alpha:Q", title="α: share of the collaborative component")
    told = [alt.Tooltip("name:N", title="setting"), *(alt.Tooltip(f"{name}:Q", format=".4f") for name in Mean._fields)]
    base = alt.Chart(points).encode(x=over, tooltip=told)
    height = alt.Y("low:Q", title=f"{metric} on validation, 95 % interval", scale=alt.Scale(zero=False))
    best = points.sort("value", descending=True).head(1)
    layers = [
        base.mark_area(opacity=0.2, color=BLUE).encode(y=height, y2="high:Q"),
        base.mark_line(point={"color": BLUE}, color=BLUE).encode(y="value:Q"),
        alt.Chart(best).mark_text(dy=-10, color=ORANGE, fontSize=13).encode(x=over, y="value:Q", text="name:N"),
    ]
    if popularity is not None:
        line = alt.Chart(pl.DataFrame({"value": [popularity.value], "name": ["popularity"]})).encode(y="value:Q")
        layers.append(line.mark_rule(color=GREY, strokeDash=[6, 4]))
        layers.append(line.mark_text(color=GREY, align="left", x=4, dy=-6).encode(text="name:N"))
    return alt.layer(*layers).properties(width=WIDTH, height=HEIGHT)
