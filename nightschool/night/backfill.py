"""Running the nights that were missed, one a day, oldest first."""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple

from nightschool.errors import ConfigurationError, DataRefused, GateRefused, NightschoolError
from nightschool.night.fidelity import MAY_DIFFER
from nightschool.storage.releases import Release

_USUAL = time(2)

Run = Callable[[datetime], dict[str, Any]]
"""Runs the night of a T and returns its report."""


class Backfilled(NamedTuple):
    """The outcome of the night of one day.

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
        """Return the night's entry in a JSON document."""
        return {**self._asdict(), "as_of": self.as_of.isoformat()}


def list_instants(first: date, last: date, at: time | None, stored: Iterable[Release]) -> list[datetime]:
    """Return T of each day from the first to the last, at a time of day in UTC.

    Without one, it is the hour and minute that T of all stored releases share, or 02:00.

    Raises:
        ConfigurationError: The last day comes before the first, or a T lies in the future.
    """
    if last < first:
        raise ConfigurationError("--to is before --from", seen=last.isoformat(), do="give the older day first")
    hour = at or _usual_time(stored)
    days = (first + timedelta(days=number) for number in range((last - first).days + 1))
    instants = [datetime.combine(day, hour, UTC) for day in days]
    if instants[-1] > datetime.now(UTC):
        raise ConfigurationError("T lies in the future", seen=instants[-1].isoformat(), do="give an earlier --to")
    return instants


def run_nights(instants: Iterable[datetime], stored: Iterable[Release], run: Run) -> list[Backfilled]:
    """Run the night of each T, and return the outcome of each.

    A T that has a release is skipped. Refused data or a refused release end only their own night; any other error
    would end the later nights too, so they do not run.
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


def worst_exit_code(nights: Sequence[Backfilled]) -> int:
    """Return the highest exit code of the nights."""
    return max((night.exit_code for night in nights), default=0)


def require_all(nights: Sequence[Backfilled]) -> list[dict[str, Any]]:
    """Return the entries of all nights in a JSON document, or raise when one failed.

    Raises:
        NightschoolError: One of them failed.
    """
    failed = [night for night in nights if night.exit_code]
    if failed:
        what = f"{len(failed)} of {len(nights)} nights failed; the first was that of {failed[0].as_of.isoformat()}"
        raise NightschoolError(what, seen=failed[0].outcome, do="correct that and run the backfill again")
    return [night.to_dict() for night in nights]


def _usual_time(stored: Iterable[Release]) -> time:
    times = {(release.as_of.hour, release.as_of.minute) for release in stored}
    return time(*times.pop()) if len(times) == 1 else _USUAL


def _run_night(as_of: datetime, run: Run) -> tuple[Backfilled, bool]:
    """Run one night; return its outcome, and whether the others would end the same way."""
    try:
        report = run(as_of)
    except NightschoolError as error:
        what = f"{type(error).__name__}: {error}"
        return Backfilled(as_of, what, exit_code=error.exit_code), not isinstance(error, DataRefused | GateRefused)
    may_differ = any(warning.endswith(MAY_DIFFER) for warning in report["warnings"])
    return Backfilled(as_of, report["status"], report["release_id"], may_differ), False
