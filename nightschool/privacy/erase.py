"""Erasing a user from every table, kept release, list, stage and text below the home, for good."""

import shutil
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Final

import polars as pl

from nightschool.columns import (
    CONTENT_HASHES,
    HISTORIES,
    NIGHTS,
    REASON,
    RELEASE_TABLES,
    SOURCES,
    USER_ID,
    Table,
)
from nightschool.data.manifest.manifest import Manifest
from nightschool.errors import NotFound, Unreachable
from nightschool.privacy.locate import RELEASED_TABLES, SOURCE_TABLES, TABLES, UserRecords
from nightschool.privacy.text_scrubbing import forget_in_log, forget_in_prefect, mentions
from nightschool.storage.erasure_log import Erasure, Erasures, UserId, begin, noted
from nightschool.storage.fingerprints import content_hash
from nightschool.storage.home import Home
from nightschool.storage.lake import UNREADABLE, Lake
from nightschool.storage.releases import Release
from nightschool.storage.serving_files import SERVED, ServingFile, lists_path, read_lists, write_serving_files

_SHOWN: Final = 100


def count_user_rows(
    home: Home, manifest: Manifest, user_id: UserId, sent: Mapping[str, int] = MappingProxyType({})
) -> dict[str, int]:
    """Count the rows that name a user by table, over all releases together, with what the database holds of them.

    Raises:
        NotFound: No table names such a user.
        NightschoolError: A table cannot be read.
    """
    found = UserRecords(user_id, home.lake, manifest).counts() | dict(sent)
    if not found:
        since = Erasures(home.lake).forgotten_at(user_id)
        what = "no such user" if since is None else f"no such user any more, forgotten on {since:%Y-%m-%d}"
        raise NotFound(what, seen=str(user_id)[:_SHOWN], do="give an id that the home's users or interactions hold")
    return found


def begin_erasure(
    home: Home, manifest: Manifest, user_id: UserId, now: datetime, sent: Mapping[str, int] = MappingProxyType({})
) -> Erasure:
    """Begin an erasure: count what is removed, and note the hashes of what stays of each release.

    Call it under the home's lock.

    Raises:
        NotFound: No table names such a user.
        NightschoolError: A table cannot be read.
    """
    removed = count_user_rows(home, manifest, user_id, sent)
    records = UserRecords(user_id, home.lake, manifest)
    hashes: dict[str, dict[str, str]] = {}
    counts: dict[str, dict[str, int]] = {}
    stored = set[str]().union(*(home.lake.releases(table) for table in RELEASED_TABLES))
    for release in home.releases.stored():
        if release.release_id in stored:
            hashes[release.release_id], counts[release.release_id] = _note(home, records, release)
    at = Erasures(home.lake).after_all(now)
    erasure = Erasure(user_id=user_id, erased_at=at, removed=removed, content_hashes=hashes, row_counts=counts)
    begin(home.paths.erasure, erasure)
    return erasure


def erase_rows(home: Home, manifest: Manifest, erasure: Erasure) -> None:
    """Remove the user from the tables and the served lists, and what unfinished nights and ingests left.

    The tombstone comes first, so that no ingest takes the user in again. A reader sees each table as it was or without
    the user, but not all tables at the same instant. The files that hold the user are removed last: a reader that has
    one of them open fails, and reads the new ones at its next try.
    """
    Erasures(home.lake).note(erasure)
    _drop_unfinished(home)
    records = UserRecords(erasure.user_id, home.lake, manifest)
    for table in SOURCE_TABLES:
        records.remove(table)
    for table in RELEASED_TABLES:
        records.remove_from_releases(table)
    _remove_from_lists(home, erasure.user_id)
    for table in (SOURCES, NIGHTS):
        _blank_reasons(home.lake, table, erasure.user_id)
    for table in TABLES:
        home.lake.purge(table)


def erase_texts(home: Home, user_id: UserId) -> None:
    """Remove the reports on data and releases, and what mentions the user in logs and in Prefect's record of nights.

    Raises:
        Busy: A Prefect server keeps its database busy.
    """
    paths = home.paths
    # Prefect keeps the errors of its runs as pickles, which nothing reads.
    for folder in (paths.docs, paths.reports, paths.prefect / "storage"):
        shutil.rmtree(folder, ignore_errors=True)
    for file in paths.logs.glob("*.log"):
        forget_in_log(file, user_id)
    for database in paths.prefect.glob("*.db"):
        forget_in_prefect(database, user_id)


def _blank_reasons(lake: Lake, table: Table, user_id: UserId) -> None:
    """Blank the reasons that mention the user: why a file was set aside or a night failed may quote a value."""
    rows = lake.scan(table)
    named = mentions(pl.col(REASON), user_id).fill_null(value=False)
    if rows.filter(named).head(1).collect().is_empty():
        return
    blank = pl.when(named).then(pl.lit("a user was erased")).otherwise(REASON).alias(REASON)
    lake.overwrite(table, rows.with_columns(blank))
    lake.purge(table)


def _note(home: Home, records: UserRecords, release: Release) -> tuple[dict[str, str], dict[str, int]]:
    """Hash and count the rows that the release's tables keep without the user, where that changes them."""
    erased = noted(home.lake, CONTENT_HASHES, release.release_id)
    hashes, counts = {}, {}
    for table, rows in _naming(home, records, release.release_id):
        right = erased.get(table.name, [release.content_hashes.get(table.name)])[-1]
        if content_hash(rows, table) == right:
            rest = records.without(table, rows)
            hashes[table.name], counts[table.name] = content_hash(rest, table), rest.height
    return hashes, counts


def _naming(home: Home, records: UserRecords, release_id: str) -> Iterator[tuple[Table, pl.DataFrame]]:
    """Yield the tables of a release that name the user, its histories among them, with all their rows."""
    for table in RELEASED_TABLES:
        if records.count(table, release_id):
            yield table, home.lake.scan(table, release_id).collect()
    path = lists_path(home.paths.serving, release_id, HISTORIES)
    if path.exists() and _may_name(path, records.user_id):
        yield HISTORIES, _histories(home, path)


def _drop_unfinished(home: Home) -> None:
    """Remove what interrupted nights and ingests left; the next night runs its stages again."""
    finished = {release.release_id for release in home.releases.stored()}
    unfinished_files = [folder for folder in home.paths.serving.glob("*/") if folder.name not in finished]
    for folder in (*home.paths.nights.glob("*/"), *unfinished_files):
        shutil.rmtree(folder)
    home.lake.clear_spools()
    for table in RELEASE_TABLES:
        for release_id in home.lake.releases(table) - finished:
            home.lake.drop_release(table, release_id)


def _remove_from_lists(home: Home, user_id: UserId) -> None:
    """Rewrite the lists that a server maps into memory and that name the user; call it after the tables."""
    serving = home.paths.serving
    for draft in serving.glob("*/.*.tmp"):
        draft.unlink()
    for release in home.releases.stored():
        for table in SERVED:
            path = lists_path(serving, release.release_id, table)
            if path.exists() and _may_name(path, user_id):
                rows = _left_of(home, release.release_id, table, user_id)
                write_serving_files(serving, release.release_id, {table.name: rows})


def _left_of(home: Home, release_id: str, table: Table, user_id: UserId) -> pl.LazyFrame:
    """Return the rows that do not name the user: those of the table, or the histories in their file."""
    if table is not HISTORIES:
        return home.lake.scan(table, release_id)
    rows = _histories(home, lists_path(home.paths.serving, release_id, HISTORIES))
    return rows.lazy().filter(pl.col(USER_ID) != user_id)


def _histories(home: Home, path: Path) -> pl.DataFrame:
    """Read the rows of the file; return none for one that cannot be read, which may name any user."""
    try:
        return read_lists(path)
    except UNREADABLE:
        return pl.DataFrame(schema=home.lake.schema(HISTORIES))


def _may_name(lists: Path, user_id: UserId) -> bool:
    """Return whether a file of lists names the user, or cannot be read."""
    try:
        return ServingFile(lists).holds_user(user_id)
    except Unreachable:
        return True
