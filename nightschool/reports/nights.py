"""What became of a night that made no release, in sentences that need no knowledge of recommenders."""

from collections.abc import Mapping
from typing import Final

from nightschool.reports.document import Section
from nightschool.storage.nights import NightRow
from nightschool.storage.release import Release

PAGED: Final[Mapping[str, tuple[str, str]]] = {
    "unchanged": (
        "Nothing but the day has changed since the release before, so no new lists were made.",
        "Nothing needs to be done, unless new data should have come.",
    ),
    "already published": (
        "This night was decided before with the same data, settings and code, so no new lists were made.",
        "Nothing needs to be done.",
    ),
    "dry run": (
        "This night was a trial: it made new lists, measured them, and threw them away.",
        "Run it without --dry-run to publish.",
    ),
    "data refused": (
        "Tonight's data cannot be used, so no new lists were made.",
        "Correct the data, or accept them, and run the night again.",
    ),
    "gate refused": (
        "A check before publishing said no, so the new lists were thrown away.",
        "Look at the check that said no, and run the night again once its cause is mended.",
    ),
    "held": (
        "Somebody put publishing on hold, so no new lists were made.",
        "Release the hold when its reason is gone.",
    ),
    "unavailable": (
        "Something that the night needs was not there, such as disk, memory or a database; no new lists were made.",
        "Repair it, and run the night again: it goes on where it stopped.",
    ),
    "wrong configuration": (
        "The settings of this night cannot be carried out, so no new lists were made.",
        "Correct them, and run the night again.",
    ),
    "failed": (
        "The night failed by a defect, and no new lists were made.",
        "Run it again: it goes on where it stopped; report the defect where it comes back.",
    ),
}
"""Outcomes that have a page of their own: what happened, and what to do."""


def night_section(row: NightRow, current: Release | None) -> Section:
    """Say what happened, what users see now, and what to do; then the night's own words.

    Args:
        row: The night's row, of an outcome in PAGED.
        current: The current release; None without one.
    """
    happened, do = PAGED[row.outcome]
    seen = f"Users see the lists of {current.release_id}, as before." if current else "There are no lists yet."
    reason = [f"In its own words: {row.reason}"] if row.reason else []
    return Section("What happened", [happened, seen, do, *reason])
