"""Pruning of old releases: their tables, serving files, stage records and reports."""

import shutil
from pathlib import Path

from nightschool.columns import RELEASE_TABLES
from nightschool.settings import HomePaths
from nightschool.storage.releases import Release, Releases, Status


def prune(releases: Releases, paths: HomePaths, keep: int = 30) -> list[str]:
    """Delete tables, serving files, stage records and reports of old releases; return these releases, oldest first.

    The newest `keep` published releases stay, always the current one, and as many of those that were only backfilled.
    Tables of nights that never ended go once a release of a later date is current. Of the reports on nights without
    tables, the newest `keep` stay. Call it under the home's lock.
    """
    lake = releases.lake
    stored = set[str]().union(*(lake.releases(table) for table in RELEASE_TABLES), _names(paths))
    garbage = sorted(_garbage(releases.history(), stored, keep))
    for release_id in garbage:
        # A night whose tables go must not believe that it wrote them: its stage records go first. The serving files go
        # last: what a rollback finds whole, a server can open.
        for folder in paths.nights.glob(f"{release_id[-8:]}*"):
            shutil.rmtree(folder)
        for table in RELEASE_TABLES:
            lake.drop_release(table, release_id)
        for folder in paths.serving.glob(release_id):
            shutil.rmtree(folder)
        (paths.reports / f"{release_id}.html").unlink(missing_ok=True)
    _prune_reports(paths.reports, stored.difference(garbage), max(keep, 1))
    return garbage


def _prune_reports(reports: Path, kept: set[str], keep: int) -> None:
    others = [page for page in reports.glob("*.html") if page.stem not in kept]
    for page in sorted(others, key=lambda page: page.stat().st_mtime, reverse=True)[keep:]:
        page.unlink()


def _names(paths: HomePaths) -> set[str]:
    return {path.name for path in paths.serving.glob("*") if path.is_dir()}


def _garbage(history: list[Release], stored: set[str], keep: int) -> set[str]:
    published = _newest_first(history, "published")
    backfilled = [release_id for release_id in _newest_first(history, "backfilled") if release_id not in published]
    kept = {*published[: max(keep, 1)], *backfilled[: max(keep, 1)]}
    known = {row.release_id for row in history}
    today = next(iter(published), "")[:10]
    return {release_id for release_id in stored - kept if release_id in known or release_id[:10] < today}


def _newest_first(history: list[Release], status: Status) -> list[str]:
    """Return the releases that have a row of the status, the one with the newest such row first."""
    return list(dict.fromkeys(row.release_id for row in reversed(history) if row.status == status))
