"""The command line: parses, runs one function of the house, prints, and ends with the error's exit code."""

import os
import sys
from typing import NoReturn

import typer

from nightschool.cli import (
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
    quarantine,
    releases,
    services,
    show,
    sources,
)
from nightschool.cli.environment import prepare_environment
from nightschool.errors import ConfigurationError, NightschoolError
from nightschool.failures import INTERRUPTED, explain, is_interrupt
from nightschool.interrupts import insisting_on_interrupts

app = typer.Typer(
    name="nightschool",
    help="Retrains a learning platform's recommender every night and publishes versioned recommendation tables.\n\n"
    "Everything of one dataset lives below one home: --home DIR, anywhere on the line, or NIGHTSCHOOL_HOME "
    "(default ./.nightschool).",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(init.init)
app.command()(check.check)
app.command()(oracle.oracle)
app.command()(backfill.backfill)
night.add_commands(app)
app.command()(nights.nights)
lookup.add_commands(app)
services.add_commands(app)
forget.add_commands(app)
backup.add_commands(app)
app.add_typer(quarantine.app, name="quarantine", help="List, export and retry the rows that were put aside.")
app.add_typer(sources.app, name="sources", help="List source files; accept or drop those that were set aside.")
app.add_typer(
    experiment.app, name="experiment", help="Try other lists on a share of the people, and see what it shows."
)
app.add_typer(keys.app, name="keys", help="Say who may ask the API, and who may send events.")
app.add_typer(releases.app, name="releases", help="List, inspect, roll back, hold and prune releases.")


def main() -> None:
    """Run the command line and exit.

    0 done, 1 a defect, 2 usage, 3 data, 4 gate, 5 not found, 6 busy, 7 machine or service, 130 interrupted.
    """
    try:
        sys.argv[1:] = _take_home(sys.argv[1:])
        prepare_environment()
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


def _take_home(arguments: list[str]) -> list[str]:
    """The arguments without `--home DIR`, which may stand anywhere and becomes NIGHTSCHOOL_HOME."""
    rest = []
    given = iter(arguments)
    for argument in given:
        name, separator, value = argument.partition("=")
        if name != "--home":
            rest.append(argument)
            continue
        home = value if separator else next(given, "")
        if not home or home.startswith("-"):
            raise ConfigurationError("--home takes a folder", seen=home or None, do="write --home DIR")
        os.environ["NIGHTSCHOOL_HOME"] = home
    return rest
