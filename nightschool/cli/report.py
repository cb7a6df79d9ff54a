"""The command that writes the report of a release."""

from pathlib import Path
from typing import Annotated

import typer

from nightschool.cli import show


def report(
    release: Annotated[str | None, typer.Option(help="The release; the current one unless given.")] = None,
    out: Annotated[Path | None, typer.Option(help="A folder for the page; `reports` in the home unless given.")] = None,
) -> None:
    """Write the report of a release: what was decided and why, what changed, the data, the models, the cost."""
    from nightschool.application.report import write_report

    show.console.print(str(write_report(release, out)), soft_wrap=True)
