"""Messages to operators: how a night ended, and which nights never began."""

import logging
from collections.abc import Sequence
from datetime import UTC, datetime

from nightschool.application.notify import beat, notify
from nightschool.night.outcome import ALARMING
from nightschool.settings import Settings
from nightschool.storage.binding import find_binding
from nightschool.storage.lake import UNREADABLE
from nightschool.storage.nights import NightRow, Nights, last_ended, missed

logger = logging.getLogger("nightschool.application")


def announce(row: NightRow, nights: Nights, alarms: Sequence[str] = ()) -> None:
    """Send a message about a refused or failed night and the first success after one; a success sends a heartbeat.

    Args:
        row: The night's row.
        nights: The table of nights.
        alarms: Figures that have been outside of their limits for more than a night, in words: a message of its own.
    """
    if row.succeeded:
        beat()
    if not Settings().notify.get_secret_value():
        return
    if row.outcome in ALARMING:
        notify(_title(row.outcome), _body(row))
    elif row.succeeded and _before(row, nights) in ALARMING:
        notify(_title("recovered"), _body(row))
    if row.succeeded and alarms:
        notify(_title("unexpected figures"), "\n".join([*alarms, _about(row)]))


def announce_missed(nights: Nights) -> None:
    """Send one message about each missed night, where an address for messages is set."""
    if not Settings().notify.get_secret_value():
        return
    marker = nights.tries / ".missed"
    try:
        last = marker.read_text() if marker.exists() else ""
        found = [row.at.isoformat() for row in missed(nights.all(), datetime.now(UTC)) if row.at.isoformat() > last]
        if not found:
            return
        marker.parent.mkdir(parents=True, exist_ok=True)
        marker.write_text(found[0])
    except UNREADABLE as error:
        logger.warning("missed nights could not be looked for: %s", error)
        return
    notify(_title("missed"), f"no night began at {', '.join(reversed(found))}; see that the worker and its server run")


def dataset_of_home() -> str:
    """Return the name of the home's dataset; empty before the first ingest."""
    binding = find_binding(Settings().paths.binding)
    return binding.dataset if binding else ""


def _before(row: NightRow, nights: Nights) -> str:
    """Return the outcome of the try before this one; tries that found the home locked do not count."""
    try:
        before = last_ended([each for each in nights.all() if each.night_id != row.night_id])
    except UNREADABLE as error:
        logger.warning("the night before could not be read: %s", error)
        return ""
    return before.outcome if before else ""


def _title(what: str) -> str:
    return f"Nightschool {dataset_of_home()}: {what}".replace(" :", ":")


def _body(row: NightRow) -> str:
    return f"{row.reason}\n{_about(row)}"


def _about(row: NightRow) -> str:
    return f"Began {row.at:%Y-%m-%d %H:%M} UTC, release {row.release_id or 'none'}; {Settings().page}/operator"
