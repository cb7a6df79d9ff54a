"""The state that a night at T starts from: the release before it, and the weekly tuning."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import takewhile

from nightschool.evaluation.intervals import TAIL
from nightschool.night.recipe_gates import SUPERIOR
from nightschool.storage.releases import Release

TUNE_EVERY = timedelta(days=7)
ANCHOR_AGE = timedelta(days=28)

YEARLY_ERROR = 0.05
"""The chance that any challenger of a year is promoted without being better."""

_YEAR = timedelta(days=365)
_LEAST = timedelta(hours=1)

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


def anchor_of(found: Sequence[Release], as_of: datetime) -> Release | None:
    """Return the release that was current 28 days before T, else the first one; None without any.

    Each promotion is held against its recipe, so that many small steps cannot add up to a loss that no step shows.
    """
    old = [row for row in found if row.as_of <= as_of - ANCHOR_AGE]
    # By T and not by commit: a release that was gone back to since has an old T, and was not current then.
    return max(old or found[:1], key=lambda row: row.as_of, default=None)


def promotion_error(found: Sequence[Release], as_of: datetime) -> float:
    """Return the chance with which a night at T may promote a challenger that is not better.

    The errors of a year add up to `YEARLY_ERROR`, whatever each night's test has in common with others (Boole): a night
    gets the share of the days since a release that was the last to compare a challenger, or since the first release.
    """
    compared = [row.as_of for row in found if any(gate["name"] == SUPERIOR.name for gate in row.gates.get("asked", ()))]
    since = max(compared, default=min((row.as_of for row in found), default=as_of))
    return min(TAIL, YEARLY_ERROR * (max(as_of - since, _LEAST) / _YEAR))
