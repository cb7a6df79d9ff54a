"""Checks of the nights for `nightschool doctor`: how the last one ended, whether they start, how old the data are."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from nightschool.errors import NightschoolError
from nightschool.night.outcome import ALARMING
from nightschool.settings import HomePaths
from nightschool.storage.nights import NightRow, Nights, last_ended

SILENCE = timedelta(hours=26)
STALE = timedelta(hours=72)
_BAD = ALARMING | {"held"}


def night_questions(paths: HomePaths) -> dict[str, Callable[[], str]]:
    """Return the questions by name; each returns what it saw, or raises a NightschoolError with the next step."""
    return {
        "night": lambda: last_night(_rows(paths)),
        "nights": lambda: nights_begin(_rows(paths), datetime.now(UTC)),
        "data": lambda: data_are_fresh(_rows(paths)),
    }


def last_night(rows: list[NightRow]) -> str:
    """Say how the newest night that has ended did; a home without one is well.

    Raises:
        NightschoolError: It was refused, failed or died.
    """
    last = last_ended(rows)
    if last is None:
        return "none has ended yet"
    if last.outcome in _BAD:
        do = "`nightschool nights` lists them; put right what the reason names, and run `nightschool retrain`"
        raise NightschoolError(f"the night of {_minute(last.at)}: {last.outcome}", seen=last.reason, do=do)
    return f"{_minute(last.at)}: {last.outcome}"


def nights_begin(rows: list[NightRow], now: datetime) -> str:
    """Say when the newest night began; a home that never had one is well.

    Raises:
        NightschoolError: None began for 26 hours.
    """
    newest = next((row for row in rows if row.outcome != "busy"), None)
    if newest is None:
        return "none yet: nightschool retrain"
    if now - newest.at > SILENCE:
        raise NightschoolError(
            "no night has started for 26 hours",
            seen=f"the last at {_minute(newest.at)}",
            do="see that the schedule, its server and its worker run (`nightschool up`)",
        )
    return f"the last began at {_minute(newest.at)}"


def data_are_fresh(rows: list[NightRow]) -> str:
    """Say how old the newest event was at the T of the newest night that read the data.

    Raises:
        NightschoolError: It was older than 72 hours.
    """
    looked = ((row.as_of, row.newest_event) for row in rows if row.as_of and row.newest_event)
    as_of, newest = next(looked, (None, None))
    if as_of is None or newest is None:
        return "no night has looked yet"
    age = as_of - newest
    if age > STALE:
        raise NightschoolError(
            f"the data are stale: the newest event was {age / timedelta(days=1):.0f} days old at {_minute(as_of)}",
            seen=_minute(newest),
            do="see that deliveries arrive in the source folder",
        )
    return f"the newest event is of {_minute(newest)}"


def _rows(paths: HomePaths) -> list[NightRow]:
    return Nights.of(paths).all()


def _minute(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M}"
