"""The look of every chart, and its forms: a picture, a drawing, and a page of its own that answers a mouse."""

import io
from contextlib import AbstractContextManager
from typing import Any, Final

import altair as alt
import vl_convert
from altair.utils.schemapi import debug_mode

BLUE: Final = "#0072B2"
ORANGE: Final = "#D55E00"
GREY: Final = "#777777"
COLOURS: Final = (BLUE, "#E69F00", "#009E73", "#CC79A7", "#56B4E9", ORANGE, "#F0E442", GREY)
"""Colours that the colour-blind tell apart: Okabe and Ito, "Color Universal Design", 2008."""

_INK: Final = "#010203"
"""Stands in a drawing for the colour of the text around it."""

_GROUND: Final = "#fdfcfb"
"""Stands in a drawing for no ground."""

WIDTH: Final = 560
HEIGHT: Final = 260

Chart = alt.Chart | alt.LayerChart | alt.FacetChart | alt.HConcatChart | alt.VConcatChart


def styled(chart: Any, ink: str = "black", ground: str = "white") -> Any:
    """Return the chart in our fonts and colours; a layer or a part of another chart is styled with the whole."""
    text: dict[str, Any] = {
        "labelFontSize": 12,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "labelColor": ink,
        "titleColor": ink,
    }
    # At once: each call of its own would copy the chart with its data.
    return chart.configure(
        background=ground,
        range=alt.RangeConfig(category=list(COLOURS)),
        axis=alt.AxisConfig(**text, domainColor=ink, tickColor=ink, gridColor=ink, gridOpacity=0.12),
        legend=alt.LegendConfig(**text),
        title=alt.TitleConfig(color=ink),
        text=alt.MarkConfig(color=ink),
        view=alt.ViewConfig(stroke=None),
    )


def unchecked() -> AbstractContextManager[None]:
    """Build the charts of the block without a check of each part against Vega-Lite's schema: a third less time."""
    return debug_mode(False)


def as_png(chart: Chart) -> bytes:
    """Draw a chart as a picture, finer than it is large."""
    picture = io.BytesIO()
    styled(chart).save(picture, format="png", scale_factor=1.5)
    return picture.getvalue()


def as_svg(chart: Chart, **colours: str) -> str:
    """Draw a chart as SVG, with its text as text."""
    # Altair would check each chart against the schema of Vega-Lite, and take as long again.
    return str(vl_convert.vegalite_to_svg(styled(chart, **colours).to_dict(validate=False)))


def as_drawing(chart: Chart) -> str:
    """Draw a chart as SVG for a page that may be light or dark: ink in the colour of its text, no ground."""
    return as_svg(chart, ink=_INK, ground=_GROUND).replace(_INK, "currentColor").replace(_GROUND, "none")


def as_page(chart: Chart) -> str:
    """Return a page that shows the chart and answers a mouse; it asks no other host."""
    page = io.StringIO()
    styled(chart).save(page, format="html", inline=True, embed_options={"actions": False})
    return page.getvalue()
