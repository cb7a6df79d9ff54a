"""The state that a night at T starts from: the release before it, and the weekly tuning."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import takewhile

from nightschool.storage.releases import Release

TUNE_EVERY = timedelta(days=7)

CHAMPION = "champion"
TUNED = "tuned"


def is_late(current: Release | None, as_of: datetime, force: bool) -> bool:
    """Return whether a night at T comes after a release of a later T, or repeats the night of the current one."""
    if current is None:
        return False
    return as_of < current.as_of or (force and as_of == current.as_of)


def releases_before(history: Sequence[Release], as_of: datetime) -> list[Release]:
    """Return the releases that a night at T finds when it runs on time, the one that is current then last.

    These are the published rows up to the first of that T or later, so that later rollbacks do not count; and what was
    backfilled for an earlier T, of which the newest is current if its T is later than that of the last published one.
    """
    published = (row for row in history if row.status == "published")
    found = list(takewhile(lambda row: row.as_of < as_of, published))
    backfilled = [row for row in history if row.status == "backfilled" and row.as_of < as_of]
    backfilled.sort(key=lambda row: row.as_of)
    later = [row for row in backfilled if not found or row.as_of > found[-1].as_of]
    return [*(row for row in backfilled if row not in later), *found, *later]


def tuning_is_due(found: Sequence[Release], as_of: datetime) -> bool:
    """Return whether a week has passed since the last of these releases whose night chose its recipe."""
    tuned = [row.as_of for row in found if row.gates.get(TUNED)]
    return not tuned or as_of - max(tuned) >= TUNE_EVERY
