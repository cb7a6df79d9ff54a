"""Which α is best, and by how much, in words and as a chart."""

from collections.abc import Sequence

from nightschool.charts.alpha import alpha_chart
from nightschool.charts.theme import Chart
from nightschool.night.entries import AlphaEntry, Figures
from nightschool.night.records import SelectRecord
from nightschool.night.reporting.metrics import number
from nightschool.storage.night_log import Mean
from nightschool.vocabulary import POPULARITY

_DECISIVE = "ndcg@10"

_ENDS = {1.0: "the collaborative model alone", 0.0: "content alone"}


def best_alpha(sweep: Sequence[AlphaEntry]) -> str:
    """Name the best α on validation, its distance to either end of the sweep, and those not told apart from it.

    Empty where no α was measured.
    """
    best = next((one for one in sweep if one.behind is None and one.metrics.get(_DECISIVE, [None])[0]), None)
    if best is None:
        return ""
    others = [(one, one.behind) for one in sweep if one.behind is not None]
    parts = [f"α = {best.alpha:g} is best on validation with {_DECISIVE} {number(best.metrics[_DECISIVE][0])}"]
    for one, (mean, low, high) in others:
        if one.alpha in _ENDS:
            interval = f" [{number(low)}, {number(high)}]"
            parts.append(f"ahead of α = {one.alpha:g}, {_ENDS[one.alpha]}, by {number(mean)}{interval}")
    close = [f"{one.alpha:g}" for one, (_, low, _) in others if low is None or low <= 0]
    if close:
        parts.append(f"not told apart from α = {', '.join(close)}")
    return "; ".join(parts)


def alpha_curve(selected: SelectRecord) -> Chart | None:
    """Draw the sweep on validation, with popularity to compare with; None where no α was measured."""
    means = {one.alpha: mean for one in selected.sweep if (mean := _mean(one.metrics)) is not None}
    if not means:
        return None
    popularity = next((_mean(one.metrics) for one in selected.candidates if one.name == POPULARITY), None)
    return alpha_chart(means, popularity, _DECISIVE)


def _mean(metrics: Figures) -> Mean | None:
    value, low, high = metrics.get(_DECISIVE, [None, None, None])
    return None if value is None else Mean(value, value if low is None else low, value if high is None else high)
