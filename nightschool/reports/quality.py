"""How good the models are: by model, by α, by segment, and against the seconds that they take."""

from collections.abc import Mapping

import altair as alt
import polars as pl

from nightschool.charts.alpha import alpha_chart
from nightschool.charts.theme import BLUE, HEIGHT, WIDTH, Chart
from nightschool.columns import CI_HIGH, CI_LOW, MODEL, SEGMENT, VALUE
from nightschool.evaluation.segments import OVERALL
from nightschool.reports.decision import ndcg
from nightschool.reports.document import Plot, Section
from nightschool.reports.tradeoffs import against_coverage, against_seconds, served_by
from nightschool.storage.night_log import Mean
from nightschool.vocabulary import CONTENT

_ALPHA = r"^hybrid\(.*, α=([\d.]+)\)$"


def quality_section(metrics: pl.DataFrame, published: pl.DataFrame, seconds: Mapping[str, float]) -> Section:
    """Draw what was measured on validation by model and α, and on the test by segment.

    Args:
        metrics: The release's rows of the metrics table.
        published: segment, value, ci_low, ci_high of its recipe on the test.
        seconds: Model to the seconds of its fit.
    """
    found = ndcg(metrics, "validation").sort(VALUE, MODEL, descending=[True, False])
    overall = found.filter(pl.col(SEGMENT) == OVERALL)
    models = overall.filter(~pl.col(MODEL).str.contains(_ALPHA))
    plots = []
    if not models.is_empty():
        plots.append(Plot.of(_bars(models, MODEL, "ndcg@10 on validation"), _best(models)))
    further = (_curve(overall), against_seconds(models, seconds), against_coverage(metrics, models))
    plots += [plot for plot in further if plot is not None]
    table = served_by(found.join(_told_apart(overall), on=MODEL, how="semi", maintain_order="left"))
    segments = published.filter(pl.col(SEGMENT) != OVERALL).sort(VALUE)
    if segments.height > 1:
        chart = _bars(segments.sort(VALUE, descending=True), SEGMENT, "ndcg@10 on the test")
        plots.append(Plot.of(chart, _spread(segments)))
    return Section("How good the models are", plots=plots, tables=[table] if table else [])


def _told_apart(overall: pl.DataFrame) -> pl.DataFrame:
    """Keep of the mixtures the best one alone; the best models come first."""
    mixed = pl.col(MODEL).str.contains(_ALPHA)
    return pl.concat([overall.filter(~mixed), overall.filter(mixed).head(1)])


def _bars(frame: pl.DataFrame, name: str, title: str) -> Chart:
    """Draw a dot a row with its interval, in the order of the rows."""
    base = alt.Chart(frame.select(pl.col(name).alias("name"), VALUE, CI_LOW, CI_HIGH)).encode(
        y=alt.Y("name:N", sort=None, title=None, axis=alt.Axis(labelLimit=320))
    )
    over = alt.X(f"{CI_LOW}:Q", title=f"{title}, 95 % interval", scale=alt.Scale(domainMin=0))
    return alt.layer(
        base.mark_rule(color=BLUE, strokeWidth=2).encode(x=over, x2=f"{CI_HIGH}:Q"),
        base.mark_point(color=BLUE, filled=True, size=60).encode(x=f"{VALUE}:Q"),
    ).properties(width=WIDTH, height=alt.Step(22))


def _best(models: pl.DataFrame) -> str:
    name, value, low, high = models.select(MODEL, VALUE, CI_LOW, CI_HIGH).row(0)
    close = models[1:].filter(pl.col(CI_HIGH) >= low)[MODEL].to_list()
    alike = f"{', '.join(close)} may be as good: the intervals overlap" if close else "no other's interval reaches it"
    return f"{name} is best on validation with {value:.4f} [{low:.4f}, {high:.4f}]; {alike}."


def _curve(overall: pl.DataFrame) -> Plot | None:
    mixed = overall.with_columns(alpha=pl.col(MODEL).str.extract(_ALPHA).cast(pl.Float64)).drop_nulls("alpha")
    if mixed.height < 2:
        return None
    collaborative = mixed[MODEL][0].removeprefix("hybrid(").partition(",")[0]
    ends = overall.with_columns(alpha=pl.col(MODEL).replace_strict({CONTENT: 0.0, collaborative: 1.0}, default=None))
    found = pl.concat([mixed, ends.drop_nulls("alpha")])
    points = found.sort("alpha").select("alpha", VALUE, CI_LOW, CI_HIGH).rows()
    means = {alpha: Mean(value, low, high) for alpha, value, low, high in points}
    popular = overall.filter(pl.col(MODEL) == "popularity").select(VALUE, CI_LOW, CI_HIGH).rows()
    best = max(means, key=lambda alpha: means[alpha].value)
    chart = alpha_chart(means, Mean(*popular[0]) if popular else None, "ndcg@10").properties(width=WIDTH, height=HEIGHT)
    sentence = f"Of the mixtures, α = {best:g} is best on validation with {means[best].value:.4f}"
    return Plot.of(chart, f"{sentence} [{means[best].low:.4f}, {means[best].high:.4f}].")


def _spread(segments: pl.DataFrame) -> str:
    (worst, low, *_), (best, high, *_) = (segments.select(SEGMENT, VALUE).row(place) for place in (0, -1))
    first, last = segments.row(0, named=True), segments.row(-1, named=True)
    apart = first[CI_HIGH] is not None and last[CI_LOW] is not None and first[CI_HIGH] < last[CI_LOW]
    shown = "their intervals are apart" if apart else "their intervals overlap: no difference is shown"
    return f"{best} is served best ({high:.4f}), {worst} least ({low:.4f}); {shown}."
