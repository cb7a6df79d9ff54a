"""Commands that start all servers, and check the installation."""

from typing import TYPE_CHECKING, Annotated

import typer

from nightschool.cli import show
from nightschool.cli.night import Json

if TYPE_CHECKING:
    from nightschool.cli.doctor import Check

Port = Annotated[int, typer.Option("--port", min=1, max=65_535, help="Port of the Prefect server.")]
PagePort = Annotated[int, typer.Option("--page-port", min=1, max=65_535, help="Port of the API and the web page.")]
MlflowPort = Annotated[int, typer.Option("--mlflow-port", min=1, max=65_535, help="Port of the MLflow server.")]


def up(port: Port = 4200, mlflow_port: MlflowPort = 5000, page_port: PagePort = 8000) -> None:
    """Start the Prefect and MLflow servers, the web page and a worker, and deploy the flows; Ctrl-C ends them all."""
    from nightschool.cli.up import Ports, serve_until_stopped

    serve_until_stopped(Ports(port, mlflow_port, page_port))


def doctor(
    quiet: Annotated[
        bool, typer.Option("--quiet", help="For cron: print one line a problem, and nothing when all is well.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Check the installation, the home and its nights; exit code 1 when something is wrong."""
    from nightschool.cli.doctor import ask, questions
    from nightschool.settings import Settings

    checks = [ask(name, question) for name, question in questions(Settings()).items()]
    well = all(check.ok for check in checks)
    if as_json:
        show.show_json({"ok": well, "checks": [check._asdict() for check in checks]})
    elif quiet:
        _report_quietly(checks)
    else:
        rows = [[check.name, "ok" if check.ok else "PROBLEM", check.seen] for check in checks]
        show.show_table("All is well" if well else "Something is wrong", ["check", "", "seen"], rows)
    if not well:
        raise typer.Exit(1)


def _report_quietly(checks: "list[Check]") -> None:
    """Print one line a problem, and send notifications of missed nights."""
    from nightschool.application.announce import announce_missed
    from nightschool.settings import Settings
    from nightschool.storage.nights import Nights

    for check in checks:
        if not check.ok:
            typer.echo(show.printable(f"{check.name}: {check.seen}"))
    announce_missed(Nights.of(Settings().paths))
