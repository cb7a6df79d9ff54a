"""Holds: rows of the history of releases that keep nights from publishing."""

from collections.abc import Callable, Sequence
from datetime import datetime

from nightschool.errors import GateRefused
from nightschool.storage.release import Release


def find_hold(history: Sequence[Release], clock: Callable[[], datetime]) -> Release | None:
    """Return the row of the hold that keeps nights from publishing; None without one, or where it has ended.

    Args:
        history: Every row of the releases table, in commit order.
        clock: Asked for the time where a hold has an end.
    """
    newest = next((row for row in reversed(history) if row.status in ("held", "unheld")), None)
    if newest is None or newest.status == "unheld":
        return None
    return newest if newest.until is None or clock() < newest.until else None


def refuse_hold(history: Sequence[Release], clock: Callable[[], datetime]) -> None:
    """Return when nothing keeps a night from publishing.

    Args:
        history: Every row of the releases table, in commit order.
        clock: Asked for the time where a hold has an end.

    Raises:
        GateRefused: Publishing is on hold.
    """
    hold = find_hold(history, clock)
    if hold is not None:
        raise GateRefused("publishing is on hold", seen=hold.reason, do="run `nightschool releases release-hold` first")
