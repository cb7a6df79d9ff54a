"""What nights cost: seconds, those of processors, and memory, by stage and over nights."""

from collections.abc import Mapping, Sequence
from typing import Final

import altair as alt
import numpy as np
import polars as pl

from nightschool.charts.theme import BLUE, HEIGHT, ORANGE, WIDTH, Chart
from nightschool.reports.document import Plot, Rows, Section
from nightschool.storage.nights import NightRow

_FIGURES: Final[Mapping[str, str]] = {"seconds": "seconds", "cpu_seconds": "CPU seconds", "gigabytes": "GB at most"}


def costs_section(night: NightRow | None, nights: Sequence[NightRow]) -> Section:
    """Tell what the night's stages took, and draw what nights that published took.

    Args:
        night: The night of the release; None where its row is gone.
        nights: All nights, in order.
    """
    lead, tables = ["Nothing is on record of this night."], []
    if night is not None and night.stages:
        longest = max(night.stages, key=lambda name: night.stages[name]["seconds"])
        seconds, busy, peak = _totals(night)
        processors = f", {busy:,.1f} s of processors" if busy else ""
        lead = [f"Its stages took {seconds:,.1f} s{processors}, and at most {peak:.1f} GB; the longest was {longest}."]
        rows = [(name, *(_figure(one.get(each)) for each in _FIGURES)) for name, one in night.stages.items()]
        tables.append(Rows("Stages of this night", ["stage", *_FIGURES.values()], rows))
    told = [(one.ended_at, *_totals(one)) for one in nights if one.stages and one.release_id]
    drawn = pl.DataFrame(told, schema=["night", *_FIGURES], orient="row").sort("night")
    return Section("What it cost", lead, _over_nights(drawn) if drawn.height > 2 else [], tables)


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:,.2f}"


def _totals(night: NightRow) -> tuple[float, float, float]:
    """Return the sum of the seconds, that of the CPU seconds, and the most gigabytes."""
    stages = night.stages.values()
    seconds, busy = (sum(stage.get(each, 0.0) for stage in stages) for each in ("seconds", "cpu_seconds"))
    return seconds, busy, max((stage.get("gigabytes", 0.0) for stage in stages), default=0.0)


def _over_nights(nights: pl.DataFrame) -> list[Plot]:
    middle, last = float(np.median(nights["seconds"].to_numpy())), float(nights["seconds"][-1])
    times = nights.unpivot(["seconds", "cpu_seconds"], index="night", variable_name="of", value_name="value")
    peaks = nights.select("night", pl.lit("gigabytes").alias("of"), pl.col("gigabytes").alias("value"))
    most, now = float(nights["gigabytes"].to_numpy().max()), float(nights["gigabytes"][-1])
    half = f"Half of {nights.height} nights took {middle:,.1f} s or less; the last {last:,.1f} s."
    memory = f"No night took more than {most:.1f} GB; the last {now:.1f} GB."
    return [Plot.of(_lines(times, "seconds"), half), Plot.of(_lines(peaks, "GB at most"), memory)]


def _lines(figures: pl.DataFrame, title: str) -> Chart:
    named = figures.with_columns(pl.col("of").replace(_FIGURES))
    chart: Chart = (
        alt.Chart(named)
        .mark_line(point=True)
        .encode(
            x=alt.X("night:T", title=None),
            y=alt.Y("value:Q", title=title),
            color=alt.Color("of:N", title=None, sort=None, scale=alt.Scale(range=[BLUE, ORANGE])),
        )
        .properties(width=WIDTH, height=HEIGHT)
    )
    return chart
