"""Results of an experiment on the terminal and as JSON."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from nightschool.cli import show

if TYPE_CHECKING:
    from nightschool.experiments.analysis import Analysis, ArmResult, Comparison
    from nightschool.experiments.intervals import Estimate
    from nightschool.experiments.plan import Experiment
    from nightschool.experiments.sizes import Progress

_SHARES = ("conversion", "rejections")
"""The metrics that are shares of users, shown in per cent."""


def document_of(analysis: "Analysis", progress: "Progress | None") -> dict[str, Any]:
    """Convert the results of an experiment to JSON; intervals are [value, low, high]."""
    arms = [
        {
            "name": arm.name,
            "users": arm.users,
            "settled": arm.settled,
            "conversions": arm.conversions,
            "rejections": arm.rejections,
            "rate": arm.rate,
            "difference": arm.difference,
            "verdict": arm.conclusion,
            "harmed": arm.harmed,
            "metrics": {name: asdict(found) for name, found in arm.comparisons.items()},
        }
        for arm in analysis.arms
    ]
    return {
        "arms": arms,
        "arms_filled_as_planned": not analysis.broken,
        "p_value": analysis.mismatch,
        "progress": progress and progress._asdict(),
    }


def show_results(experiment: "Experiment", analysis: "Analysis", progress: "Progress | None") -> None:
    """Print the results of each arm, whether the arms filled as planned, and when to stop."""
    ended = f", stopped {experiment.stopped_at:%Y-%m-%d %H:%M}: {experiment.reason}" if experiment.stopped_at else ""
    title = f"Experiment {experiment.name}, since {experiment.started_at:%Y-%m-%d %H:%M} UTC{ended}"
    columns = ["arm", "users", "settled", "converted", "rate, 95 %", "against the control", "verdict", "rejections"]
    show.show_table(title, columns, [_row(arm) for arm in analysis.arms])
    rows = [_metric_row(arm.name, *each) for arm in analysis.arms for each in arm.comparisons.items()]
    if any(arm.settled for arm in analysis.arms):
        heads = ["arm", "metric", "control", "arm's", "difference", "relative", "past explains"]
        show.show_table(f"All metrics; {experiment.metric} decides", heads, rows)
    show.console.print(
        f"Settled users are those whose {experiment.window_hours:g} hours after the first list are over. Intervals of "
        "differences hold however often one looks."
    )
    filled = "NOT filled as planned: something loses users, so nothing here can be trusted"
    filled = filled if analysis.broken else "filled as planned"
    show.console.print(f"Arms are {filled} (p = {analysis.mismatch:.2g}).")
    for arm in analysis.arms:
        if arm.harmed:
            show.console.print(f"{arm.name} HARMS {', '.join(arm.harmed)}: shown to be worse than in the control.")
    if experiment.stopped_at is None and not experiment.holds_out:
        show.console.print(_when_to_stop(experiment, progress))


def _when_to_stop(experiment: "Experiment", progress: "Progress | None") -> str:
    rule = f"Stop when the interval of {experiment.metric} excludes zero, or a guardrail is harmed"
    if progress is None:
        return f"{rule}; how many users it takes is not known yet."
    days = "" if progress.days_to_go is None else f", about {progress.days_to_go:,} days to go"
    return (
        f"{rule}, or {progress.needed:,} users have settled{days}: they show a change of {experiment.effect:.1%} with "
        "a chance of 80 %, so that what is not shown then is likely smaller."
    )


def _row(arm: "ArmResult") -> list[object]:
    harms = "more than in the control" if "rejections" in arm.harmed else "not shown more than in the control"
    return [
        arm.name,
        arm.users,
        arm.settled,
        arm.conversions,
        "–" if arm.rate is None else _interval(arm.rate, "%", ""),
        "control" if arm.conclusion is None else _interval(arm.difference, "%", "+"),
        arm.conclusion or "",
        f"{arm.rejections:,}" + (f", {harms}" if arm.comparisons else ""),
    ]


def _metric_row(arm: str, name: str, found: "Comparison") -> list[object]:
    unit = "%" if name in _SHARES else ""
    return [
        arm,
        name,
        _figure(found.control, unit),
        _figure(found.mean, unit),
        _interval(found.difference, unit, "+"),
        "–" if found.lift is None else _interval(found.lift, "%", "+"),
        f"{found.saved:.0%}" if found.saved else "–",
    ]


def _figure(value: float, unit: str) -> str:
    return f"{100 * value:.2f} %" if unit else f"{value:,.3f}"


def _interval(estimate: "Estimate | None", unit: str, sign: str) -> str:
    if estimate is None:
        return "too few users yet"
    factor, digits = (100, 2) if unit else (1, 3)
    value, low, high = (f"{factor * each:{sign},.{digits}f}" for each in estimate)
    return f"{value}{' %' if unit else ''} ({low} to {high})"
