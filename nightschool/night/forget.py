"""Forgetting a person: out of every table, kept release, list, stage and text below the home, for good."""

import shutil
from datetime import datetime
from pathlib import Path
from typing import Final

import pyarrow as pa

from nightschool.columns import CONTENT_HASHES, RECOMMENDATIONS, RELEASE_TABLES
from nightschool.data.manifest import Manifest
from nightschool.errors import NotFound
from nightschool.night.person import RELEASED_TABLES, SOURCE_TABLES, TABLES, Person
from nightschool.night.run import Home
from nightschool.storage.erasures import Erasure, Erasures, UserId, begin, noted
from nightschool.storage.fingerprints import content_hash
from nightschool.storage.mentions import forget_in_log, forget_in_prefect
from nightschool.storage.releases import Release
from nightschool.storage.serving_files import Lists, lists_path, write_serving_files

_SHOWN: Final = 100


def find_person(home: Home, manifest: Manifest, user_id: UserId) -> dict[str, int]:
    """Table name to the rows that name the person, those of all releases together.

    Raises:
        NotFound: No table names such a person.
        NightschoolError: A table cannot be read.
    """
    found = Person(user_id, home.lake, manifest).counts()
    if not found:
        since = Erasures(home.lake).forgotten_at(user_id)
        what = "no such user" if since is None else f"no such user any more, forgotten on {since:%Y-%m-%d}"
        raise NotFound(what, seen=str(user_id)[:_SHOWN], do="give an id that the home's users or interactions hold")
    return found


def begin_erasure(home: Home, manifest: Manifest, user_id: UserId, now: datetime) -> Erasure:
    """The erasure that has begun: what goes is counted, what stays of the releases is noted. Call it under the lock.

    Raises:
        NotFound: No table names such a person.
        NightschoolError: A table cannot be read.
    """
    removed = find_person(home, manifest, user_id)
    person = Person(user_id, home.lake, manifest)
    hashes: dict[str, dict[str, str]] = {}
    counts: dict[str, dict[str, int]] = {}
    stored = set[str]().union(*(home.lake.releases(table) for table in RELEASED_TABLES))
    for release in home.releases.published():
        if release.release_id in stored:
            hashes[release.release_id], counts[release.release_id] = _note(person, release)
    at = Erasures(home.lake).after_all(now)
    erasure = Erasure(user_id=user_id, erased_at=at, removed=removed, content_hashes=hashes, row_counts=counts)
    begin(home.paths.erasure, erasure)
    return erasure


def erase_rows(home: Home, manifest: Manifest, erasure: Erasure) -> None:
    """Removes the person from the tables and the served lists, and what unfinished nights and ingests left.

    The tombstone comes first, so that nobody takes the person in again. A reader sees each table as it was or without
    the person, but not all tables at the same instant. The files that hold the person go last: who is reading one of
    them just then fails, and reads the new ones at the next try.
    """
    Erasures(home.lake).note(erasure)
    _drop_unfinished(home)
    person = Person(erasure.user_id, home.lake, manifest)
    for table in SOURCE_TABLES:
        person.remove(table)
    for table in RELEASED_TABLES:
        person.remove_from_releases(table)
    _remove_from_lists(home, erasure.user_id)
    for table in TABLES:
        home.lake.purge(table)


def erase_texts(home: Home, user_id: UserId) -> None:
    """Removes the reports about the data, and what mentions the person in logs and in what Prefect kept of the nights.

    Raises:
        Busy: A Prefect server keeps its database busy.
    """
    paths = home.paths
    # Prefect keeps what its runs raised as pickles, which nobody reads.
    for folder in (paths.docs, paths.prefect / "storage"):
        shutil.rmtree(folder, ignore_errors=True)
    for file in paths.logs.glob("*.log"):
        forget_in_log(file, user_id)
    for database in paths.prefect.glob("*.db"):
        forget_in_prefect(database, user_id)


def _note(person: Person, release: Release) -> tuple[dict[str, str], dict[str, int]]:
    """Content hashes and numbers of rows that the release's tables have without the person, where that changes them."""
    erased = noted(person.lake, CONTENT_HASHES, release.release_id)
    hashes, counts = {}, {}
    for table in RELEASED_TABLES:
        if not person.count(table, release.release_id):
            continue
        rows = person.lake.scan(table, release.release_id).collect()
        right = erased.get(table.name, [release.content_hashes[table.name]])[-1]
        if content_hash(rows, table) == right:
            rest = person.without(table, rows)
            hashes[table.name], counts[table.name] = content_hash(rest, table), rest.height
    return hashes, counts


def _drop_unfinished(home: Home) -> None:
    """Removes what nights and ingests left that did not come to their end; the next night does its stages again."""
    published = {release.release_id for release in home.releases.published()}
    unpublished = [folder for folder in home.paths.serving.glob("*/") if folder.name not in published]
    for folder in (*home.paths.nights.glob("*/"), *unpublished):
        shutil.rmtree(folder)
    home.lake.clear_spools()
    for table in RELEASE_TABLES:
        for release_id in home.lake.releases(table) - published:
            home.lake.drop_release(table, release_id)


def _remove_from_lists(home: Home, user_id: UserId) -> None:
    """Writes anew the lists that a server maps into memory, where the person has one."""
    serving = home.paths.serving
    for draft in serving.glob("*/.*.tmp"):
        draft.unlink()
    for release in home.releases.published():
        path = lists_path(serving, release.release_id)
        if path.exists() and _may_hold(path, user_id):
            rows = home.lake.scan(RECOMMENDATIONS, release.release_id).collect()
            write_serving_files(serving, release.release_id, rows)


def _may_hold(lists: Path, user_id: UserId) -> bool:
    """Whether a file of lists has one of the user, or cannot be read."""
    try:
        return Lists(lists).of(user_id) is not None
    except pa.ArrowException:
        return True
