"""Whether a release is still what was published, or what an erasure made of it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal

import polars as pl

from nightschool.columns import CONTENT_HASHES, HISTORIES, RECOMMENDATIONS, RELEASE_TABLES, Table
from nightschool.errors import NotFound
from nightschool.storage.component_files import file_hash
from nightschool.storage.erasure_log import noted
from nightschool.storage.fingerprints import content_hash
from nightschool.storage.home import Home
from nightschool.storage.lake import UNREADABLE
from nightschool.storage.releases import Release
from nightschool.storage.search_index import published_search_index
from nightschool.storage.serving_files import SERVED, lists_path, read_lists
from nightschool.storage.serving_networks import NETWORKS
from nightschool.storage.serving_weights import WEIGHTS

State = Literal["intact", "erased", "damaged"]


@dataclass(frozen=True)
class Verification:
    """What became of a release.

    Attributes:
        parts: Each table, and each file of lists, of a network or of an index that a server reads, by name.
    """

    release_id: str
    parts: dict[str, State]

    @property
    def state(self) -> State:
        """Damaged when any part is, else erased when a person was removed from any, else intact."""
        return next((state for state in ("damaged", "erased") if state in self.parts.values()), "intact")


def verify_release(home: Home, release_id: str) -> Verification:
    """Hash each part of the release again and compare it with the hash noted when it was written.

    Raises:
        NotFound: It was neither published nor backfilled, or was pruned.
    """
    release = next((row for row in home.releases.stored() if row.release_id == release_id), None)
    if release is None:
        raise NotFound("no such release was published", seen=release_id, do="choose one: nightschool releases list")
    if not any(release_id in home.lake.releases(table) for table in RELEASE_TABLES):
        raise NotFound(f"release {release_id} was pruned", do="choose another: nightschool releases list")
    erased = noted(home.lake, CONTENT_HASHES, release_id)
    # A release of before a table existed noted no hash of it.
    noted_tables = [table for table in RELEASE_TABLES if table.name in release.content_hashes]
    parts = {table.name: _state(home, release, table, erased.get(table.name, [])) for table in noted_tables}
    # Releases of before histories were served have no more files than the one of their recommendations.
    served = SERVED if HISTORIES.name in release.content_hashes else (RECOMMENDATIONS,)
    for table in (table for table in served if table.name in release.content_hashes):
        path = lists_path(home.paths.serving, release_id, table)
        published = release.content_hashes[table.name]
        parts[path.name] = _compare(partial(read_lists, path), table, published, erased.get(table.name, []))
    folder = home.paths.serving / release_id
    learned = [file for kind in (NETWORKS, WEIGHTS) for file in kind.published(release, folder).values()]
    for file in (*learned, *published_search_index(release, folder)):
        is_there = file.is_file() and file_hash(file) == release.content_hashes[file.name]
        parts[file.name] = "intact" if is_there else "damaged"
    return Verification(release_id, parts)


def _state(home: Home, release: Release, table: Table, erased: list[str]) -> State:
    read = home.lake.scan(table, release.release_id).collect
    return _compare(read, table, release.content_hashes.get(table.name), erased)


def _compare(read: Callable[[], pl.DataFrame], table: Table, published: str | None, erased: list[str]) -> State:
    """Compare rows with the hash that the newest erasure noted, or without any with the published one."""
    try:
        found = content_hash(read(), table)
    except UNREADABLE:
        return "damaged"
    if erased:
        return "erased" if found == erased[-1] else "damaged"
    return "intact" if found == published else "damaged"
