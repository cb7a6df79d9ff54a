"""The command line: parses, runs one function of the application, prints, and exits with the error's code."""

import os
import sys
from collections.abc import Callable
from typing import Annotated, Any, Final, NoReturn

import typer
from typer.core import TyperGroup, TyperOption

from nightschool.cli import (
    automations,
    backfill,
    backup,
    check,
    experiment,
    forget,
    init,
    keys,
    lookup,
    night,
    nights,
    oracle,
    plan,
    quarantine,
    releases,
    report,
    serve,
    services,
    show,
    shown,
    sources,
    steer,
)
from nightschool.errors import ConfigurationError, NightschoolError
from nightschool.failures import INTERRUPTED, explain, is_interrupt
from nightschool.interrupts import insisting_on_interrupts

NIGHTS: Final = "Run nights"
PUBLISHED: Final = "Read and manage what was published"
SERVERS: Final = "Run servers and watch over them"
DATA: Final = "Look after the data"
COMPARE: Final = "Compare models and lists"
SET_UP: Final = "Set up, back up"

_COMMANDS: Final[dict[str, tuple[Callable[..., None], ...]]] = {
    NIGHTS: (night.retrain, nights.nights, backfill.backfill, night.ingest, plan.plan),
    PUBLISHED: (
        lookup.recommend,
        lookup.path,
        lookup.similar_items,
        lookup.similar_users,
        lookup.export,
        report.report,
        shown.shown,
    ),
    SERVERS: (services.up, serve.serve, services.doctor, automations.automations),
    DATA: (forget.forget,),
    COMPARE: (night.evaluate, oracle.oracle),
    SET_UP: (init.init, check.check, night.simulate, backup.backup, backup.restore),
}
"""Commands by the part of the help that lists them, the most used first."""

_GROUPS: Final = {
    "releases": (PUBLISHED, releases.app, "List, inspect, roll back, hold and prune releases."),
    "steer": (PUBLISHED, steer.app, "Pin, boost and ban items in lists."),
    "keys": (SERVERS, keys.app, "Add, list and revoke API keys."),
    "quarantine": (DATA, quarantine.app, "List, export and retry quarantined rows."),
    "sources": (DATA, sources.app, "List source files; accept or drop those that were set aside."),
    "experiment": (COMPARE, experiment.app, "Run A/B experiments on recommendation lists."),
}


class _HomeGroup(TyperGroup):
    """The root of the commands, each of which takes the root's option `--home` too."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        for option in self.params:
            if isinstance(option, TyperOption) and option.name == "home":
                _add_below(self, option)


def _add_below(group: TyperGroup, option: TyperOption) -> None:
    """Add an option to every command below a group."""
    for command in group.commands.values():
        command.params.append(option)
        if isinstance(command, TyperGroup):
            _add_below(command, option)


app = typer.Typer(
    name="nightschool",
    cls=_HomeGroup,
    help="Retrains a learning platform's recommender every night and publishes versioned recommendation tables.\n\n"
    "Everything of one dataset lives below one home: --home DIR, anywhere on the line, or NIGHTSCHOOL_HOME "
    "(default ./.nightschool).",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
for _panel, _commands in _COMMANDS.items():
    for _command in _commands:
        app.command(rich_help_panel=_panel)(_command)
for _name, (_panel, _group, _help) in _GROUPS.items():
    app.add_typer(_group, name=_name, help=_help, rich_help_panel=_panel)


def _use_home(context: typer.Context, home: str | None) -> None:
    """Take the home of `--home`; before a command runs, prepare the environment of the libraries that it imports."""
    if context.resilient_parsing:
        return
    if home is not None:
        if not home or home.startswith("-"):
            raise ConfigurationError("--home takes a folder", seen=home or None, do="write --home DIR")
        os.environ["NIGHTSCHOOL_HOME"] = home
    if not isinstance(context.command, TyperGroup):
        from nightschool.cli.environment import prepare_environment

        prepare_environment()


@app.callback()
def take_home(
    home: Annotated[
        str | None,
        typer.Option(
            callback=_use_home,
            is_eager=True,
            expose_value=False,
            metavar="DIR",
            help="The folder of one dataset, with its tables, releases and databases; NIGHTSCHOOL_HOME when left out.",
        ),
    ] = None,
) -> None:
    """Give every command the option `--home`."""


def main() -> None:
    """Run the command line and exit.

    0 done, 1 a defect, 2 usage, 3 data, 4 gate, 5 not found, 6 busy, 7 machine or service, 130 interrupted.
    """
    try:
        with insisting_on_interrupts():
            app(prog_name="nightschool")
    except NightschoolError as error:
        _refuse(error)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except Exception as error:
        if is_interrupt(error):
            sys.exit(INTERRUPTED)
        unavailable = explain(error)
        if unavailable is None:
            raise
        _refuse(unavailable)


def _refuse(error: NightschoolError) -> NoReturn:
    """Print the error in one line, and exit with its code."""
    typer.secho(show.printable(f"{type(error).__name__}: {error}"), err=True, fg="red")
    sys.exit(error.exit_code)
