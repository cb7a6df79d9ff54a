"""Which α is best, and by how much, in words."""

from collections.abc import Sequence

from nightschool.night.records import AlphaEntry
from nightschool.night.reporting.metrics import number

_ENDS = {1.0: "the collaborative model alone", 0.0: "content alone"}


def best_alpha(sweep: Sequence[AlphaEntry]) -> str:
    """Name the best α on validation, its distance to either end of the sweep, and those not told apart from it.

    Empty where no α was measured.
    """
    best = next((one for one in sweep if one.behind is None and one.metrics.get("ndcg@10", [None])[0]), None)
    if best is None:
        return ""
    others = [(one, one.behind) for one in sweep if one.behind is not None]
    parts = [f"α = {best.alpha:g} is best on validation with ndcg@10 {number(best.metrics['ndcg@10'][0])}"]
    for one, (mean, low, high) in others:
        if one.alpha in _ENDS:
            interval = f" [{number(low)}, {number(high)}]"
            parts.append(f"ahead of α = {one.alpha:g}, {_ENDS[one.alpha]}, by {number(mean)}{interval}")
    close = [f"{one.alpha:g}" for one, (_, low, _) in others if low is None or low <= 0]
    if close:
        parts.append(f"not told apart from α = {', '.join(close)}")
    return "; ".join(parts)
