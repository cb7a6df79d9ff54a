"""The resident memory of nights over their time, drawn as SVG."""

from collections.abc import Mapping

import altair as alt
import polars as pl
from measured_night import MeasuredNight
from page import RESULTS

from nightschool.charts.theme import BLUE, Chart, styled

_NAMED = 0.06
"""The share of a night from which on a stage is wide enough for its name."""


def draw_memory(nights: Mapping[str, MeasuredNight]) -> str:
    """Draw memory over time, one panel a night with stages in alternating shades, and return the file's name."""
    file = RESULTS / "scale_memory.svg"
    panels = alt.vconcat(*(_panel(size, night) for size, night in nights.items()))
    styled(panels).save(str(file))
    return file.name


def _panel(size: str, night: MeasuredNight) -> Chart:
    curve = pl.DataFrame(
        [(at - night.began, megabytes / 1000) for at, megabytes in night.curve], schema=["seconds", "GB"], orient="row"
    )
    begun = [(one.began - night.began, one.seconds, one.name) for one in night.stages]
    spans = pl.DataFrame(
        [
            (start, start + seconds, start + seconds / 2, name if seconds > _NAMED * night.seconds else "", place % 2)
            for place, (start, seconds, name) in enumerate(begun)
        ],
        schema=["start", "end", "middle", "stage", "shade"],
        orient="row",
    )
    time = alt.X("start:Q", title="seconds", scale=alt.Scale(domain=[0, night.seconds], nice=False))
    stages = alt.Chart(spans).encode(x=time)
    return alt.layer(
        stages.mark_rect(color="black").encode(
            x2="end:Q", opacity=alt.Opacity("shade:Q", scale=alt.Scale(range=[0.03, 0.09]), legend=None)
        ),
        stages.mark_text(y=190, fontSize=10).encode(x="middle:Q", text="stage:N"),
        alt.Chart(curve).mark_line(color=BLUE).encode(x="seconds:Q", y=alt.Y("GB:Q", title="GB")),
    ).properties(title=f"{size} interactions", width=720, height=200)
