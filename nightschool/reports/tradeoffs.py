"""What quality costs: models by seconds, by how much of the catalogue they show, and by whom they serve."""

from collections.abc import Mapping
from typing import Final

import altair as alt
import polars as pl

from nightschool.charts.theme import BLUE, HEIGHT, WIDTH, Chart
from nightschool.columns import CI_HIGH, CI_LOW, METRIC, MODEL, SEGMENT, SPLIT, VALUE, K
from nightschool.evaluation.segments import OVERALL
from nightschool.reports.document import Plot, Rows
from nightschool.storage.night_log import Mean

_COMPARED = 5
_FASTEST = 0.01
NAMED: Final = "Named are those that no other beats in both."


def against_seconds(models: pl.DataFrame, seconds: Mapping[str, float]) -> Plot | None:
    """Draw quality on validation over the seconds of a fit; None where fewer than two models have both.

    Args:
        models: model, value, ci_low, ci_high of ndcg@10.
        seconds: Model to the seconds of its fit.
    """
    rows = [(model, max(one, _FASTEST)) for model, one in seconds.items()]
    known = pl.DataFrame(rows, schema={MODEL: pl.String, "at": pl.Float64}, orient="row")
    drawn = models.join(known, on=MODEL).sort(VALUE, MODEL, descending=[True, False])
    if drawn.height < 2:
        return None
    best = drawn.row(0, named=True)
    alike = drawn.filter(pl.col(CI_HIGH) >= best[CI_LOW]).sort("at").row(0, named=True)
    told = f"{best[MODEL]} is best and takes {best['at']:.2f} s to fit"
    quick = "nothing that may be as good is faster"
    if alike[MODEL] != best[MODEL]:
        quick = f"the fastest that may be as good is {alike[MODEL]} with {alike['at']:.2f} s"
    scale = alt.Scale(type="log")
    chart = _points(drawn, alt.X("at:Q", title="seconds of a fit", scale=scale), less=True)
    return Plot.of(chart, f"{told}; {quick}. {NAMED}")


def against_coverage(metrics: pl.DataFrame, models: pl.DataFrame) -> Plot | None:
    """Draw quality on validation over the share of the items that is in somebody's first ten places.

    Args:
        metrics: The release's rows of the metrics table.
        models: model, value, ci_low, ci_high of ndcg@10 on validation.
    """
    rows = metrics.filter(pl.col(METRIC) == "coverage", pl.col(K) == 10, pl.col(SPLIT) == "validation")
    drawn = models.join(rows.select(MODEL, pl.col(VALUE).alias("at")), on=MODEL)
    if drawn.height < 2:
        return None
    best, widest = drawn.sort(VALUE).row(-1, named=True), drawn.sort("at").row(-1, named=True)
    told = f"{best[MODEL]} is best and shows {best['at']:.0%} of the items to somebody"
    wide = "none shows more"
    if widest["at"] - best["at"] > 0.005:
        wide = f"{widest[MODEL]} shows most, {widest['at']:.0%}, with {widest[VALUE]:.4f}"
    axis = alt.Axis(format="%")
    chart = _points(drawn, alt.X("at:Q", title="items among somebody's first ten", axis=axis), less=False)
    return Plot.of(chart, f"{told}; {wide}. {NAMED}")


def served_by(found: pl.DataFrame) -> Rows | None:
    """Tabulate quality by segment of users and model, the best one marked only where no other's interval reaches it.

    Args:
        found: model, segment, value, ci_low, ci_high of ndcg@10 on validation, the best model first.
    """
    models = found.filter(pl.col(SEGMENT) == OVERALL)[MODEL].to_list()[:_COMPARED]
    known = found.drop_nulls([CI_LOW, CI_HIGH])
    cells = {(segment, model): Mean(*figures) for model, segment, *figures in known.iter_rows()}
    segments = sorted({segment for segment, model in cells if model in models and segment != OVERALL})
    if len(models) < 2 or not segments:
        return None
    rows = [[segment, *_cells({model: cells.get((segment, model)) for model in models})] for segment in segments]
    n_shown = sum(any("★" in cell for cell in row) for row in rows)
    caption = (
        f"ndcg@10 on validation by segment and model; ★ where no other's interval reaches it: {n_shown} of {len(rows)}"
    )
    return Rows(caption, ["segment", *models], rows)


def _cells(figures: Mapping[str, Mean | None]) -> list[str]:
    known = {model: one for model, one in figures.items() if one is not None}
    best = max(known, key=lambda model: known[model].value, default="")
    shown = len(known) > 1 and all(known[best].low > one.high for model, one in known.items() if model != best)
    return [_cell(one, "★ " if shown and model == best else "") for model, one in figures.items()]


def _cell(one: Mean | None, mark: str) -> str:
    return "–" if one is None else f"{mark}{one.value:.3f} [{max(one.low, 0.0):.3f},\N{NO-BREAK SPACE}{one.high:.3f}]"


def _points(models: pl.DataFrame, over: alt.X, *, less: bool) -> Chart:
    """Draw a point a model, and name those that no other beats in both; less: of what is drawn over, less is better."""
    ordered = models.sort("at", VALUE, descending=[not less, True])
    drawn = ordered.with_columns(ahead=pl.col(VALUE) > pl.col(VALUE).cum_max().shift(1, fill_value=-1.0))
    base = alt.Chart(drawn.select(MODEL, "at", VALUE, CI_LOW, CI_HIGH)).encode(x=over)
    height = alt.Y(f"{CI_LOW}:Q", title="ndcg@10 on validation, 95 % interval")
    return alt.layer(
        base.mark_rule(color=BLUE, opacity=0.5).encode(y=height, y2=f"{CI_HIGH}:Q"),
        base.mark_point(color=BLUE, filled=True, size=60, opacity=1).encode(y=f"{VALUE}:Q"),
        alt.Chart(drawn.filter("ahead").select(MODEL, "at", VALUE))
        .mark_text(align="left", dx=6, dy=-7, fontSize=11)
        .encode(x=over, y=f"{VALUE}:Q", text=f"{MODEL}:N"),
    ).properties(width=WIDTH, height=HEIGHT)
