"""Commands about the installation: the servers to work with, and whether all is well."""

from typing import Annotated

import typer

Port = Annotated[int, typer.Option("--port", min=1, max=65_535, help="Where the Prefect server listens.")]
MlflowPort = Annotated[int, typer.Option("--mlflow-port", min=1, max=65_535, help="Where the MLflow server listens.")]


def add_commands(app: typer.Typer) -> None:
    """Registers the commands of this file."""
    for command in (up, doctor):
        app.command()(command)


def up(port: Port = 4200, mlflow_port: MlflowPort = 5000) -> None:
    """Start Prefect server, MLflow server and a worker, deploy the flows; Ctrl-C ends them all."""
    from nightschool.cli.up import serve_until_stopped

    serve_until_stopped(port, mlflow_port)


def doctor(as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document instead.")] = False) -> None:
    """Check the installation and the home; exit code 1 when something is wrong."""
