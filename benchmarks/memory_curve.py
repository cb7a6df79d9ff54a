"""The resident memory of nights over their time, drawn as SVG."""

from collections.abc import Mapping

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from measured_night import MeasuredNight
from page import RESULTS

_NAMED = 0.06
"""The share of a night from which on a stage is wide enough for its name."""


def draw_memory(nights: Mapping[str, MeasuredNight]) -> str:
    """Draw memory over time, one panel a night with stages in alternating shades, and return the file's name."""
    figure = Figure(figsize=(9, 2.4 * len(nights)), layout="constrained")
    for axes, (size, night) in zip(figure.subplots(len(nights), squeeze=False)[:, 0], nights.items(), strict=True):
        _draw(axes, size, night)
    file = RESULTS / "scale_memory.svg"
    with mpl.rc_context({"svg.hashsalt": "scale", "svg.fonttype": "none"}):
        figure.savefig(file, metadata={"Date": None})
    return file.name


def _draw(axes: Axes, size: str, night: MeasuredNight) -> None:
    seconds = [at - night.began for at, _ in night.curve]
    axes.plot(seconds, [megabytes / 1000 for _, megabytes in night.curve], color="tab:blue")
    axes.set(title=f"{size} interactions", xlabel="seconds", ylabel="GB", xlim=(0, night.seconds))
    axes.set_ylim(bottom=0)
    for place, stage in enumerate(night.stages):
        start = stage.began - night.began
        axes.axvspan(start, start + stage.seconds, color="black", alpha=0.03 + 0.06 * (place % 2), linewidth=0)
        if stage.seconds > _NAMED * night.seconds:
            middle = start + stage.seconds / 2
            axes.text(middle, 0.04, stage.name, transform=axes.get_xaxis_transform(), ha="center", fontsize="small")
