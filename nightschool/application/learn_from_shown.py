"""What each night learns from what was shown: how users tire of items, and tomorrow's shares of experiments."""

import logging
from datetime import UTC, datetime, timedelta
from typing import Final

import sqlalchemy as sa

from nightschool.experiments.allocation import Allocation, Allocations
from nightschool.experiments.store import Experiments
from nightschool.shown.fatigue import Fatigue, learn_fatigue
from nightschool.shown.showings import ShowingStore
from nightschool.shown.shown_frame import read_shown
from nightschool.storage.database import find_database

logger = logging.getLogger("nightschool.application")

_LEARNED_FROM: Final = timedelta(days=84)
"""How far back fatigue is learned; the database keeps lists for a little longer."""


def learn_from_shown(address: str, now: datetime | None = None) -> tuple[Fatigue | None, dict[str, Allocation]]:
    """Learn fatigue, and set tomorrow's shares of each running experiment whose shares follow the results.

    Where nothing was shown yet, nothing is learned.

    Args:
        address: Of the database that serving writes to.
        now: The time; None: now.

    Returns:
        The fatigue, None where nothing was shown; and the shares by experiment.

    Raises:
        Unreachable: The database does not answer.
    """
    database = find_database(address)
    if database is None:
        return None, {}
    try:
        return _learned(database, now or datetime.now(UTC))
    finally:
        database.dispose()


def _learned(database: sa.Engine, now: datetime) -> tuple[Fatigue | None, dict[str, Allocation]]:
    running = Experiments(database).running()
    following = [each for each in running if each.allocation == "thompson"]
    shares = {each.name: Allocations(database).set_next(each, now) for each in following}
    for name, found in shares.items():
        told = ", ".join(f"{share:.0%}" for share in found.shares)
        logger.info("experiment %s: shares of %s are %s", name, found.day, told)
    shown = read_shown(database, now - _LEARNED_FROM, now)
    if shown.is_empty():
        return None, shares
    fatigue = learn_fatigue(shown)
    ShowingStore(database).keep(fatigue, now)
    logger.info("fatigue: %d showings leave %.2f after one in vain", shown.height, fatigue.factors[1])
    return fatigue, shares
