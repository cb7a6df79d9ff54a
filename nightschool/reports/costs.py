"""What nights cost: seconds and memory by stage, and over nights."""

from collections.abc import Sequence

import altair as alt
import numpy as np
import polars as pl

from nightschool.charts.theme import BLUE, HEIGHT, WIDTH
from nightschool.reports.document import Plot, Rows, Section
from nightschool.storage.nights import NightRow


def costs_section(night: NightRow | None, nights: Sequence[NightRow]) -> Section:
    """Tell what the night's stages took, and draw the seconds of nights that published.

    Args:
        night: The night of the release; None where its row is gone.
        nights: All nights, in order.
    """
    tables, lead, plots = [], [], []
    if night is not None and night.stages:
        seconds = sum(stage["seconds"] for stage in night.stages.values())
        peak = max(stage.get("gigabytes", 0.0) for stage in night.stages.values())
        longest = max(night.stages, key=lambda name: night.stages[name]["seconds"])
        lead.append(f"Its stages took {seconds:,.1f} s and at most {peak:.1f} GB; the longest was {longest}.")
        rows = [
            (name, f"{one['seconds']:,.1f}", f"{one.get('gigabytes', 0.0):.2f}") for name, one in night.stages.items()
        ]
        tables.append(Rows("Stages of this night", ["stage", "seconds", "GB at most"], rows))
    told = [
        (one.ended_at, sum(stage["seconds"] for stage in one.stages.values()))
        for one in nights
        if one.stages and one.release_id
    ]
    if len(told) > 2:
        drawn = pl.DataFrame(told, schema=["night", "seconds"], orient="row").sort("night")
        chart = (
            alt.Chart(drawn)
            .mark_line(point={"color": BLUE}, color=BLUE)
            .encode(x=alt.X("night:T", title=None), y=alt.Y("seconds:Q", title="seconds"))
            .properties(width=WIDTH, height=HEIGHT)
        )
        middle = float(np.median(drawn["seconds"].to_numpy()))
        plots.append(
            Plot.of(
                chart,
                f"Half of {drawn.height} nights took {middle:,.1f} s or less; the last {drawn['seconds'][-1]:,.1f} s.",
            )
        )
    return Section("What it cost", lead or ["Nothing is on record of this night."], plots, tables)
