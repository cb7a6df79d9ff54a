"""The command that estimates a night before it runs."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from nightschool.cli import show

Assignments = Annotated[
    list[str] | None, typer.Option("--set", help="Override a value of the configuration, as minutes=30.")
]


def plan(
    config: Annotated[Path | None, typer.Option(help="A TOML file with the configuration of the night.")] = None,
    assignments: Assignments = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document instead of a table.")] = False,
) -> None:
    """Estimate the memory and the time of a night on one machine, and say when to turn to Spark."""
    from nightschool.application.home import open_home
    from nightschool.night.config import NightConfig
    from nightschool.night.plan import plan_night

    asked = NightConfig.load(config, assignments or [])
    found = plan_night(open_home().lake, asked.minutes)
    if as_json:
        show.show_json({**asdict(found), "fits": found.fits, "advice": found.advice})
        return
    rows = [
        ["interactions", f"{found.rows:,}"],
        ["users", f"about {found.users:,}"],
        ["memory", f"about {found.gigabytes:.1f} GB of {found.available:.1f} GB that are free"],
        ["time", f"about {found.seconds / 60:.0f} minutes on two cores"],
        ["advice", found.advice],
    ]
    show.show_table("A night on this machine", ["", ""], rows)
