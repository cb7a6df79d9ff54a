"""Commands that size, start, report and stop A/B experiments on lists."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nightschool.cli import show
from nightschool.cli.night import Json
from nightschool.errors import Conflict, NotFound

if TYPE_CHECKING:
    from nightschool.experiments.plan import Experiment, Plan
    from nightschool.experiments.store import Experiments

app = typer.Typer(no_args_is_help=True)

PlanFile = Annotated[Path, typer.Argument(help="A TOML file: name, [[arms]], and what differs from the defaults.")]

_DAYS = (7, 14, 28, 56)
"""Days for which `size` tells how small an effect they show."""


@app.command()
def start(file: PlanFile, as_json: Json = False) -> None:
    """Start an experiment: each user gets the lists of the arm that their id is assigned to."""
    from nightschool.application.audit import note

    plan = _read(file)
    experiment = _opened().start(plan)
    note("experiment_started", experiment.name)
    if as_json:
        show.show_json(experiment.model_dump(mode="json"))
        return
    rows = [[arm.name, f"{arm.share:.1%}", _differs(arm.alpha, arm.rules)] for arm in experiment.arms]
    show.show_table(f"Experiment {experiment.name} runs", ["arm", "of its users", "differs by"], rows)
    if where := _where(experiment):
        show.console.print(f"It runs {where}.")
    show.console.print("`nightschool experiment status` shows its results, as often as you like.")


@app.command()
def size(file: PlanFile, as_json: Json = False) -> None:
    """Show how many users and days an experiment needs, by what the users of the last four weeks did."""
    from nightschool.experiments.results import shown_before
    from nightschool.experiments.sizes import POWER, detectable, size_of
    from nightschool.experiments.store import Experiments
    from nightschool.experiments.traffic import baseline_of
    from nightschool.settings import Settings
    from nightschool.storage.database import find_database

    plan, settings = _read(file), Settings()
    database = find_database(settings.events_address)
    before = shown_before(Experiments(database), settings) if database else None
    baseline = baseline_of(plan, settings, before and before[1])
    found = size_of(plan, baseline)
    shown = {days: detectable(plan, baseline, days) for days in _DAYS}
    if as_json:
        users = {arm.name: n for arm, n in zip(plan.arms, found.users, strict=False)}
        head = {
            "measured_on": before and before[0].name,
            "metric": plan.metric,
            "mean": baseline.mean,
            "effect": plan.effect,
            "power": POWER,
        }
        shows = [{"days": days, "effect": effect} for days, effect in shown.items()]
        show.show_json({**head, "users": users, "days": found.days, "detectable": shows})
        return
    rows = [[f"{days} days", "too few users" if each is None else f"{each:.1%}"] for days, each in shown.items()]
    show.show_table(f"The smallest change of {plan.metric} that is shown", ["after", "at least"], rows)
    needed = ", ".join(f"{arm.name} {n:,}" for arm, n in zip(plan.arms, found.users, strict=False))
    source = f"in the control of {before[0].name}" if before else "after a first event, on any item; lists may do less"
    took = "more than ten years" if found.days is None else f"about {found.days:,} days"
    show.console.print(
        f"{plan.metric.capitalize()} is {baseline.mean:.4g} a user {source}. A change of {plan.effect:.1%} is "
        f"shown, with a chance of {POWER:.0%}, by {needed or 'no number of users'}; {took}."
    )


@app.command()
def status(
    name: Annotated[
        str | None, typer.Argument(help="Name of the experiment; all that run, or the last one, when left out.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Show the results of experiments so far; the intervals hold however often you look."""
    from nightschool.cli.allocation import allocation_document, show_allocation
    from nightschool.cli.experiment_tables import document_of, show_results
    from nightschool.experiments.results import results_of
    from nightschool.experiments.sizes import progress_of
    from nightschool.settings import Settings
    from nightschool.storage.database import open_database

    experiments, settings, now = _opened(to_read=True), Settings(), datetime.now(UTC)
    asked = [experiments.get(name)] if name else _newest(experiments)
    documents = []
    for each in asked:
        if each.allocation == "thompson":
            database = open_database(settings.events_address)
            documents += [allocation_document(database, each, now)] if as_json else []
            if not as_json:
                show_allocation(database, each, now)
            continue
        analysis = results_of(experiments, each, settings)
        progress = progress_of(each, analysis, now)
        if as_json:
            documents.append(each.model_dump(mode="json") | {"result": document_of(analysis, progress)})
        else:
            show_results(each, analysis, progress)
    if as_json:
        show.show_json(documents[0] if name else {"experiments": documents})


@app.command()
def stop(
    name: Annotated[str | None, typer.Argument(help="Name of the experiment; the running one when left out.")] = None,
    reason: Annotated[str, typer.Option(help="Why; stored with the experiment.")] = "stopped by hand",
    as_json: Json = False,
) -> None:
    """Stop an experiment: its users get the lists as published; what was shown still counts."""
    from nightschool.application.audit import note

    experiments = _opened()
    running = [each.name for each in experiments.running() if not each.holds_out]
    if name is None and not running:
        raise NotFound("no experiment runs", do="start one with `nightschool experiment start FILE.toml`")
    if name is None and len(running) > 1:
        raise Conflict("several experiments run", seen=", ".join(running), do="name the one to stop")
    stopped = experiments.stop(name or running[0], reason)
    note("experiment_stopped", stopped.name, {"reason": reason})
    if as_json:
        show.show_json(stopped.model_dump(mode="json"))
        return
    show.console.print(f"Experiment {stopped.name} is stopped: {stopped.reason}.")


@app.command()
def holdout(
    share: Annotated[float, typer.Argument(min=0.0, max=0.5, help="Share of the users who get none; 0 ends it.")],
    as_json: Json = False,
) -> None:
    """Keep a share of the users out of all experiments, to compare all others with them."""
    held = _opened().hold_out(share)
    if as_json:
        show.show_json(held.model_dump(mode="json"))
    elif held.stopped_at is None:
        show.console.print(f"{share:.1%} of the users get no experiments from now on; `status {held.name}` compares.")
    else:
        show.console.print(f"{held.name} is ended: its users take part in experiments again.")


def _read(file: Path) -> "Plan":
    """Read a plan whose rules and scenarios this installation knows."""
    from nightschool.experiments.plan import Plan
    from nightschool.settings import Settings
    from serving.rules import Rules
    from serving.scenarios import load_scenarios

    plan = Plan.load(file)
    for arm in plan.arms:
        Rules().overridden(arm.rules)
    scenarios = load_scenarios(Settings().paths.scenarios)
    for name in plan.scenarios:
        if name:
            scenarios.get(name)
    return plan


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


def _newest(experiments: "Experiments") -> "Sequence[Experiment]":
    """Return the experiments that run, or the last one."""
    known = experiments.all()
    if not known:
        raise _no_experiment()
    return [each for each in known if each.stopped_at is None] or [known[-1]]


def _no_experiment() -> NotFound:
    return NotFound("there is no experiment yet", do="start one with `nightschool experiment start FILE.toml`")


def _where(experiment: "Experiment") -> str:
    """Say which users and lists it changes, where these are not all."""
    part = [f"on {experiment.share:.1%} of the layer {experiment.layer}"] if experiment.share < 1 else []
    names = [f"in {name}" if name else "in lists without a scenario" for name in experiment.scenarios]
    return ", ".join([*part, *names])


def _differs(alpha: float | None, rules: Any) -> str:
    parts = [f"α = {alpha:g}"] if alpha is not None else []
    return ", ".join([*parts, *(f"{name} = {value}" for name, value in rules.items())]) or "nothing: as published"
