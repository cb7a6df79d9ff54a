"""The picture that answers which α: validation quality over the α of the sweep."""

from collections.abc import Sequence
from typing import NamedTuple

from matplotlib.figure import Figure


class Mean(NamedTuple):
    """A mean with its 95 % interval."""

    value: float
    low: float
    high: float


def draw_alpha_curve(alphas: Sequence[float], means: Sequence[Mean], popularity: Mean | None, metric: str) -> Figure:
    """A figure of the metric's mean at each α with its interval, and popularity's mean as a line for comparison."""
    figure = Figure(figsize=(7, 4.2), layout="constrained")
    axes = figure.add_subplot()
    below = [mean.value - mean.low for mean in means]
    above = [mean.high - mean.value for mean in means]
    axes.errorbar(alphas, [mean.value for mean in means], yerr=[below, above], marker="o", capsize=3, label="hybrid")
    best = max(range(len(means)), key=lambda place: means[place].value)
    axes.annotate(f"α = {alphas[best]:g}", (alphas[best], means[best].value), (0, 12), textcoords="offset points", ha="center")
    if popularity is not None:
        axes.axhline(popularity.value, color="grey", linestyle="--", label="popularity")
        axes.axhspan(popularity.low, popularity.high, color="grey", alpha=0.15, linewidth=0)
    axes.set(xlabel="α: share of the collaborative component", ylabel=f"{metric} on validation, 95 % interval")
    axes.legend()
    return figure
