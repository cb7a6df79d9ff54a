"""The command that runs the nights that were missed, one a day, oldest first."""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from nightschool.cli import show
from nightschool.cli.environment import prepare_flow_run
from nightschool.cli.night import Assignments, Dataset, Json, SourceRoot
from nightschool.errors import ConfigurationError, DataRefused, GateRefused, NightschoolError

if TYPE_CHECKING:
    from nightschool.storage.releases import Release

_USUAL = time(2)

Run = Callable[[datetime], dict[str, Any]]


class Backfilled(NamedTuple):
    """What became of the night of one day.

    Attributes:
        as_of: T of the night.
        outcome: The status of its report, why it failed, or why it did not run.
        release_id: Its release; None without one.
        hashes_may_differ: Whether a night on time may have published other tables; None where no night ran.
        exit_code: 0, or that of the error that ended it.
    """

    as_of: datetime
    outcome: str
    release_id: str | None = None
    hashes_may_differ: bool | None = None
    exit_code: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Return the night's entry in the JSON document."""
        return {**self._asdict(), "as_of": self.as_of.isoformat()}


def backfill(
    first: Annotated[str, typer.Option("--from", help="The first day, as 2026-03-01.")],
    last: Annotated[str, typer.Option("--to", help="The last day, itself included.")],
    at: Annotated[
        str | None, typer.Option("--at", help="T's time of day, UTC. Default: that of the releases, else 02:00.")
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
    from nightschool.night.config import NightConfig
    from nightschool.settings import Settings
    from nightschool.storage.lock import home_lock
    from tasks.home import bind_home

    days, hour = parse_days(first, last), parse_time(at)
    settings = NightConfig.load(config, assignments or [])
    with home_lock(Settings().paths.lock):
        stored = bind_home(dataset, source_root).releases.stored()
    instants = [datetime.combine(day, hour or usual_time(stored), UTC) for day in days]
    if instants[-1] > datetime.now(UTC):
        raise ConfigurationError("T lies in the future", seen=instants[-1].isoformat(), do="give an earlier --to")
    wait_for_server = prepare_flow_run()
    from flows.retrain import retrain

    wait_for_server()
    run = partial(retrain, dataset, source_root, config=settings)
    found = run_nights(instants, stored, lambda as_of: run(as_of=as_of))
    _show(found, as_json)
    if worst := max(night.exit_code for night in found):
        raise typer.Exit(worst)


def run_nights(instants: Iterable[datetime], stored: Sequence["Release"], run: Run) -> list[Backfilled]:
    """Return what became of the night of each T.

    A T that has a release is skipped. What refuses the data or the release of one night leaves the others alone; any
    other error would end them too, so they do not run.
    """
    known = {release.as_of: release for release in stored}
    found: list[Backfilled] = []
    ended = False
    for as_of in instants:
        if as_of in known:
            found.append(Backfilled(as_of, f"skipped: already {known[as_of].status}", known[as_of].release_id))
        elif ended:
            found.append(Backfilled(as_of, "not run"))
        else:
            night, ended = _run_night(as_of, run)
            found.append(night)
    return found


def parse_days(first: str, last: str) -> list[date]:
    """Return the days from the first to the last.

    Raises:
        ConfigurationError: One of them is no date, or the last comes before the first.
    """
    start, end = _parse_day(first, "--from"), _parse_day(last, "--to")
    if end < start:
        raise ConfigurationError("--to is before --from", seen=last, do="give the older day first")
    return [start + timedelta(days=number) for number in range((end - start).days + 1)]


def parse_time(text: str | None) -> time | None:
    """Return a time of day in UTC; None where none is given.

    Raises:
        ConfigurationError: It is none, or names a zone.
    """
    if text is None:
        return None
    try:
        found = time.fromisoformat(text)
    except ValueError as error:
        raise ConfigurationError("--at is no time of day", seen=text, do="write it as 02:00") from error
    if found.tzinfo is not None:
        raise ConfigurationError("--at is in UTC and takes no zone", seen=text, do="write it as 02:00")
    return found


def usual_time(stored: Iterable["Release"]) -> time:
    """Return the hour and minute of T that all releases share, or 02:00."""
    times = {(release.as_of.hour, release.as_of.minute) for release in stored}
    return time(*times.pop()) if len(times) == 1 else _USUAL


def _parse_day(text: str, option: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ConfigurationError(f"{option} is no date", seen=text, do="write it as 2026-03-01") from error


def _run_night(as_of: datetime, run: Run) -> tuple[Backfilled, bool]:
    """Return what became of the night, and whether the others would end alike."""
    from nightschool.night.run import SEARCHED_ANEW

    try:
        report = run(as_of)
    except NightschoolError as error:
        what = f"{type(error).__name__}: {error}"
        return Backfilled(as_of, what, exit_code=error.exit_code), not isinstance(error, DataRefused | GateRefused)
    may_differ = SEARCHED_ANEW in report["warnings"]
    return Backfilled(as_of, report["status"], report["release_id"], may_differ), False


def _show(found: Sequence[Backfilled], as_json: bool) -> None:
    if as_json:
        show.show_json([night.to_dict() for night in found])
        return
    rows = [
        [f"{night.as_of:%Y-%m-%d %H:%M}", night.outcome, night.release_id, night.hashes_may_differ] for night in found
    ]
    show.show_table("Nights, T in UTC", ["T", "outcome", "release", "hashes may differ"], rows)
