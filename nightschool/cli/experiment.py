"""Commands that start, report and stop A/B experiments on lists."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nightschool.cli import show
from nightschool.cli.night import Json
from nightschool.errors import NotFound

if TYPE_CHECKING:
    from nightschool.experiments.sequential import Analysis, ArmResult, Estimate
    from nightschool.experiments.store import Experiment, Experiments

app = typer.Typer(no_args_is_help=True)


@app.command()
def start(
    file: Annotated[Path, typer.Argument(help="A TOML file: name, explore, window_hours and [[arms]].")],
    as_json: Json = False,
) -> None:
    """Start an experiment: each user gets the lists of the arm that their id is assigned to."""
    from nightschool.application.audit import note
    from nightschool.experiments.store import Plan
    from serving.rules import Rules

    plan = Plan.load(file)
    for arm in plan.arms:
        Rules().overridden(arm.rules)
    experiment = _opened().start(plan)
    note("experiment_started", experiment.name)
    if as_json:
        show.show_json(experiment.model_dump(mode="json"))
        return
    rows = [[arm.name, f"{arm.share:.1%}", _differs(arm.alpha, arm.rules)] for arm in experiment.arms]
    show.show_table(f"Experiment {experiment.name} runs", ["arm", "of the users", "differs by"], rows)
    show.console.print("`nightschool experiment status` shows its results, as often as you like.")


@app.command()
def status(
    name: Annotated[
        str | None, typer.Argument(help="Name of the experiment; the running or the last one when left out.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Show the results of an experiment so far; the intervals hold however often you look."""
    from nightschool.experiments.sequential import analyze

    experiments = _opened(to_read=True)
    experiment = experiments.get(name) if name else _newest(experiments)
    analysis = analyze(experiments.outcomes(experiment.name), [arm.name for arm in experiment.arms], experiment.shares)
    if as_json:
        show.show_json(experiment.model_dump(mode="json") | {"result": _document(analysis)})
    else:
        _show(experiment, analysis)


@app.command()
def stop(
    name: Annotated[str | None, typer.Argument(help="Name of the experiment; the running one when left out.")] = None,
    reason: Annotated[str, typer.Option(help="Why; stored with the experiment.")] = "stopped by hand",
    as_json: Json = False,
) -> None:
    """Stop an experiment: all users get the lists as published; what was shown still counts."""
    from nightschool.application.audit import note

    experiments = _opened()
    running = experiments.running()
    if name is None and running is None:
        raise NotFound("no experiment runs", do="start one with `nightschool experiment start FILE.toml`")
    stopped = experiments.stop(name or (running.name if running else ""), reason)
    note("experiment_stopped", stopped.name, {"reason": reason})
    if as_json:
        show.show_json(stopped.model_dump(mode="json"))
        return
    show.console.print(f"Experiment {stopped.name} is stopped: {stopped.reason}.")


def _opened(*, to_read: bool = False) -> "Experiments":
    """Open the home's experiments; reading creates no database."""
    from nightschool.experiments.store import Experiments
    from nightschool.settings import Settings
    from nightschool.storage.database import find_database, open_database

    address = Settings().events_address
    database = find_database(address) if to_read else open_database(address)
    if database is None:
        raise _no_experiment()
    return Experiments(database)


def _newest(experiments: "Experiments") -> "Experiment":
    """Return the running experiment, or the last one."""
    known = experiments.all()
    if not known:
        raise _no_experiment()
    return known[-1]


def _no_experiment() -> NotFound:
    return NotFound("there is no experiment yet", do="start one with `nightschool experiment start FILE.toml`")


def _document(analysis: "Analysis") -> dict[str, Any]:
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
            "more_rejections": arm.harm,
            "harms": arm.harms,
        }
        for arm in analysis.arms
    ]
    return {"arms": arms, "arms_filled_as_planned": not analysis.broken, "p_value": analysis.mismatch}


def _show(experiment: "Experiment", analysis: "Analysis") -> None:
    """Print the results of each arm, and whether the arms filled as planned."""
    ended = f", stopped {experiment.stopped_at:%Y-%m-%d %H:%M}: {experiment.reason}" if experiment.stopped_at else ""
    title = f"Experiment {experiment.name}, since {experiment.started_at:%Y-%m-%d %H:%M} UTC{ended}"
    columns = ["arm", "users", "settled", "converted", "rate, 95 %", "against the control", "verdict", "rejections"]
    show.show_table(title, columns, [_row(arm) for arm in analysis.arms])
    show.console.print(
        f"Settled users are those whose {experiment.window_hours:g} hours after the first list are over. Intervals of "
        "differences hold however often one looks."
    )
    filled = "NOT filled as planned: something loses users, so nothing here can be trusted"
    filled = filled if analysis.broken else "filled as planned"
    show.console.print(f"Arms are {filled} (p = {analysis.mismatch:.2g}).")


def _row(arm: "ArmResult") -> list[object]:
    harms = "more than in the control" if arm.harms else "not shown more than in the control"
    return [
        arm.name,
        arm.users,
        arm.settled,
        arm.conversions,
        _interval(arm.rate, ""),
        "control" if arm.conclusion is None else _interval(arm.difference, "+"),
        arm.conclusion or "",
        f"{arm.rejections:,}" + (f", {harms}" if arm.harm else ""),
    ]


def _interval(estimate: "Estimate | None", sign: str) -> str:
    if estimate is None:
        return "–"
    if estimate[1:] == (-1.0, 1.0):
        return "too few users yet"
    value, low, high = (f"{100 * each:{sign}.2f}" for each in estimate)
    return f"{value} % ({low} to {high})"


def _differs(alpha: float | None, rules: Any) -> str:
    parts = [f"α = {alpha:g}"] if alpha is not None else []
    return ", ".join([*parts, *(f"{name} = {value}" for name, value in rules.items())]) or "nothing: as published"
