"""What scores mean, what more users would bring, and what the reranker looks at."""

import altair as alt
import polars as pl

from nightschool.charts.theme import BLUE, HEIGHT, WIDTH, Chart
from nightschool.columns import CI_HIGH, CI_LOW, METRIC, MODEL, N_USERS, SEGMENT, SPLIT, VALUE
from nightschool.evaluation.calibration import CHOSEN, PLACE, TENTH
from nightschool.night.reporting.importances import IMPORTANCE
from nightschool.night.selection.data_curve import BY_USERS
from nightschool.reports.document import Plot, Section

_FEATURES = 15


def learning_section(metrics: pl.DataFrame, role: str) -> Section:
    """Draw how often what is shown is chosen, the curve by data size, and the reranker's features.

    Args:
        metrics: The release's rows of the metrics table.
        role: The role under which its recipe was measured on the test.
    """
    chosen = metrics.filter(pl.col(METRIC) == CHOSEN, pl.col(MODEL) == role, pl.col(SPLIT) == "test")
    plots = [_places(_of_kind(chosen, PLACE)), _tenths(_of_kind(chosen, TENTH))]
    plots.append(_by_share(_of_kind(metrics.filter(pl.col(METRIC) == BY_USERS), "users")))
    plots.append(_importances(metrics.filter(pl.col(METRIC) == IMPORTANCE)))
    shown = [plot for plot in plots if plot is not None]
    lead = [] if shown else ["This night measured neither choices by place nor learning by data size."]
    return Section("What scores mean and data bring", lead, shown)


def _of_kind(rows: pl.DataFrame, kind: str) -> pl.DataFrame:
    """Return n, model, value, ci_low, ci_high, n_users of the segments of a kind, in order."""
    n = pl.col(SEGMENT).str.strip_prefix(f"{kind}:").cast(pl.Int32).alias("n")
    own = rows.filter(pl.col(SEGMENT).str.starts_with(f"{kind}:"))
    return own.select(n, MODEL, VALUE, CI_LOW, CI_HIGH, N_USERS).sort("n")


def _places(rows: pl.DataFrame) -> Plot | None:
    if rows.height < 2:
        return None
    first, last = rows.row(0, named=True), rows.row(-1, named=True)
    seen = f"Of what stands first in a list {_share(first)} was chosen on the test, at place {last['n']} {_share(last)}"
    return Plot.of(_curve(rows, "place in the list"), f"{seen}: {_apart(last, first)}.")


def _tenths(rows: pl.DataFrame) -> Plot | None:
    if rows.height < 2:
        return None
    low, high = rows.row(0, named=True), rows.row(-1, named=True)
    seen = f"Of what is shown with the highest tenth of the scores {_share(high)} was chosen"
    chart = _curve(rows, "tenth of the scores, the lowest first")
    return Plot.of(chart, f"{seen}, with the lowest {_share(low)}: {_apart(low, high)}.")


def _by_share(rows: pl.DataFrame) -> Plot | None:
    if rows.height < 2:
        return None
    some, everyone = rows.row(0, named=True), rows.row(-1, named=True)
    seen = f"{some[MODEL]} reaches {_figure(some)} when it learns from {some['n']}% of the users"
    more = "more users help" if some[CI_HIGH] < everyone[CI_LOW] else "that more users help is not shown"
    chart = _curve(rows, "users learned from, %", "ndcg@10 on validation", percent=False)
    return Plot.of(
        chart, f"{seen}, {_figure(everyone)} from all, measured on the same {some[N_USERS]:,} users: {more}."
    )


def _importances(rows: pl.DataFrame) -> Plot | None:
    drawn = rows.sort(VALUE, SEGMENT, descending=[True, False]).head(_FEATURES)
    if drawn.is_empty():
        return None
    chart = (
        alt.Chart(drawn.select(pl.col(SEGMENT).alias("feature"), VALUE))
        .mark_bar(color=BLUE)
        .encode(
            y=alt.Y("feature:N", sort=None, title=None, axis=alt.Axis(labelLimit=260)),
            x=alt.X(f"{VALUE}:Q", title="share of the gain", axis=alt.Axis(format="%", tickCount=8)),
        )
        .properties(width=WIDTH, height=alt.Step(20))
    )
    half = int((rows[VALUE].sort(descending=True).cum_sum() < 0.5).sum()) + 1
    top, share = drawn.select(SEGMENT, VALUE).row(0)
    told = f"Most of what the reranker gains over the blend, {share:.0%}, is by {top}"
    return Plot.of(chart, f"{told}; {half} of {rows.height} features make half of it.")


def _curve(rows: pl.DataFrame, title: str, height: str = "share that was chosen", *, percent: bool = True) -> Chart:
    axis = alt.Axis(format="%") if percent else alt.Axis()
    base = alt.Chart(rows.select("n", VALUE, CI_LOW, CI_HIGH)).encode(
        x=alt.X("n:Q", title=title, axis=alt.Axis(format="d", tickMinStep=1))
    )
    low = alt.Y(f"{CI_LOW}:Q", title=f"{height}, 95 % interval", axis=axis, scale=alt.Scale(domainMin=0))
    return alt.layer(
        base.mark_area(opacity=0.2, color=BLUE).encode(y=low, y2=f"{CI_HIGH}:Q"),
        base.mark_line(point={"color": BLUE}, color=BLUE).encode(y=f"{VALUE}:Q"),
    ).properties(width=WIDTH, height=HEIGHT)


def _share(row: dict[str, float]) -> str:
    return f"{row[VALUE]:.1%} [{row[CI_LOW]:.1%}, {row[CI_HIGH]:.1%}]"


def _figure(row: dict[str, float]) -> str:
    return f"{row[VALUE]:.4f} [{row[CI_LOW]:.4f}, {row[CI_HIGH]:.4f}]"


def _apart(low: dict[str, float], high: dict[str, float]) -> str:
    if high[CI_LOW] > low[CI_HIGH]:
        return "the order tells what is chosen"
    return "the intervals overlap, so the order tells nothing here"
