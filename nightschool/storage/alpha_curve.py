"""The picture that answers which α: validation quality over the α of the sweep."""

from collections.abc import Mapping

from matplotlib.figure import Figure

from nightschool.storage.night_log import Mean


def draw_alpha_curve(means: Mapping[float, Mean], popularity: Mean | None, metric: str) -> Figure:
    """Draw the metric's mean at each α with its interval, and popularity's mean as a line for comparison."""
    figure = Figure(figsize=(7, 4.2), layout="constrained")
    axes = figure.add_subplot()
    values = [mean.value for mean in means.values()]
    below = [mean.value - mean.low for mean in means.values()]
    above = [mean.high - mean.value for mean in means.values()]
    axes.errorbar(list(means), values, yerr=[below, above], marker="o", capsize=3, label="hybrid")
    best = max(means, key=lambda alpha: means[alpha].value)
    place = (best, means[best].value)
    axes.annotate(f"α = {best:g}", place, (6, 6), textcoords="offset points")
    if popularity is not None:
        axes.axhline(popularity.value, color="grey", linestyle="--", label="popularity")
        axes.axhspan(popularity.low, popularity.high, color="grey", alpha=0.15, linewidth=0)
    axes.set(xlabel="α: share of the collaborative component", ylabel=f"{metric} on validation, 95 % interval")
    axes.legend()
    return figure
