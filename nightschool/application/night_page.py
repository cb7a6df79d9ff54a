"""The report after every night: a page on its release, or a short one on why there is none."""

import logging

from nightschool.application.announce import dataset_of_home
from nightschool.application.home import open_home
from nightschool.application.report import release_pages
from nightschool.errors import NightschoolError
from nightschool.reports.document import render
from nightschool.reports.nights import PAGED, night_section
from nightschool.settings import Settings
from nightschool.storage.durable import atomic_write_text
from nightschool.storage.lake import UNREADABLE
from nightschool.storage.lock import home_lock
from nightschool.storage.nights import NightRow, Nights
from nightschool.storage.releases import Release, Releases

logger = logging.getLogger("nightschool.application")

_DECIDED = ("published", "backfilled", "gate refused")


def report_night(row: NightRow, run_key: str | None) -> str:
    """Write the report of a night that has ended; a report that cannot be written is a warning in the log.

    Args:
        row: The night's row.
        run_key: Its key; None where it ended before it had one.

    Returns:
        The page for MLflow, where `forget` does not reach it: about no single person. Empty where there is no release.
    """
    try:
        releases = Releases(Nights.of(Settings().paths).lake)
        release = releases.find_run(run_key) if run_key and row.outcome in _DECIDED else None
        if release is not None:
            return _write_release(release)
        if row.outcome in PAGED:
            _write_night(row, releases.current())
    except (NightschoolError, *UNREADABLE) as error:
        logger.warning("the report of this night could not be written: %s", error)
    except Exception:
        # The night has ended: what only tells of it must not fail it.
        logger.exception("the report of this night could not be written")
    return ""


def _write_release(release: Release) -> str:
    paths = Settings().paths
    # Under the lock: what `forget` erases meanwhile must not come back in a report.
    with home_lock(paths.lock):
        pages = release_pages(open_home(), release)
        atomic_write_text(paths.reports / f"{release.release_id}.html", pages.own)
    return pages.shared


def _write_night(row: NightRow, current: Release | None) -> None:
    name = f"night-{row.at:%Y-%m-%d-%H%M}-{row.night_id[:8]}"
    title = f"{dataset_of_home()}: {row.outcome}".removeprefix(": ")
    page = render(title, f"the night of {row.at:%Y-%m-%d %H:%M} UTC", [night_section(row, current)])
    atomic_write_text(Settings().paths.reports / f"{name}.html", page)
