"""The command that runs the nights that were missed, one a day, oldest first."""

from collections.abc import Sequence
from datetime import date, time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nightschool.cli import show
from nightschool.cli.night import Assignments, Dataset, Json, SourceRoot
from nightschool.errors import ConfigurationError
from nightschool.imports import importing

if TYPE_CHECKING:
    from nightschool.night.backfill import Backfilled


def backfill(
    first: Annotated[str, typer.Option("--from", help="The first day, as 2026-03-01.")],
    last: Annotated[str, typer.Option("--to", help="The last day, inclusive.")],
    at: Annotated[
        str | None,
        typer.Option(
            "--at", help="Time of day of each T, UTC; when left out that of the existing releases, else 02:00."
        ),
    ] = None,
    dataset: Dataset = None,
    source_root: SourceRoot = None,
    config: Annotated[Path | None, typer.Option(help="A TOML file with the nights' parameters.")] = None,
    assignments: Assignments = None,
    as_json: Json = False,
) -> None:
    """Run the nights that were missed, one a day; a day that has a release is skipped.

    A night whose T is before that of the current release is stored, and does not become current.
    """
    from nightschool.cli.environment import prepare_flow_run

    with prepare_flow_run() as server:
        with importing():
            from nightschool.application.bind_home import bind_home
            from nightschool.night.backfill import list_instants, run_nights, worst_exit_code
            from nightschool.night.config import NightConfig
            from nightschool.settings import Settings
            from nightschool.storage.turn import home_turn

        days, hour = (_parse_day(first, "--from"), _parse_day(last, "--to")), _parse_time(at)
        settings = NightConfig.load(config, assignments or [])
        with home_turn(Settings().paths):
            stored = bind_home(dataset, source_root).releases.stored()
        instants = list_instants(*days, hour, stored)
        server.start()
        with importing():
            from flows.retrain import retrain
    server.wait()
    nights = run_nights(instants, stored, partial(retrain, dataset, source_root, config=settings))
    _show(nights, as_json)
    if worst := worst_exit_code(nights):
        raise typer.Exit(worst)


def _parse_day(text: str, option: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ConfigurationError(f"{option} is not a date", seen=text, do="write it as 2026-03-01") from error


def _parse_time(text: str | None) -> time | None:
    if text is None:
        return None
    try:
        found = time.fromisoformat(text)
    except ValueError as error:
        raise ConfigurationError("--at is not a time of day", seen=text, do="write it as 02:00") from error
    if found.tzinfo is not None:
        raise ConfigurationError("--at is in UTC and takes no zone", seen=text, do="write it as 02:00")
    return found


def _show(nights: Sequence["Backfilled"], as_json: bool) -> None:
    if as_json:
        show.show_json([night.to_dict() for night in nights])
        return
    rows = [
        [f"{night.as_of:%Y-%m-%d %H:%M}", night.outcome, night.release_id, night.hashes_may_differ] for night in nights
    ]
    show.show_table("Nights, T in UTC", ["T", "outcome", "release", "hashes may differ"], rows)
