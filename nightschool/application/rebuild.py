"""Making a release's tables anew from the stored tables: the same hashes show that it follows from them."""

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import polars as pl

from models.catalog import build
from nightschool.application.content_similarity import content_similarity
from nightschool.application.home import manifest_of
from nightschool.columns import HISTORIES, METRICS, RELEASE_ID, RELEASE_TABLES, Table
from nightschool.errors import NotFound
from nightschool.night.config import NightConfig
from nightschool.night.entries import ContextEntry
from nightschool.night.identity import Request, identify
from nightschool.night.lineage import CHAMPION
from nightschool.night.night import Night
from nightschool.night.prepare import prepare_events
from nightschool.night.records import ContextualiseRecord
from nightschool.night.release.lists import read_table
from nightschool.night.release.tables import write_release_tables
from nightschool.recipe import Recipe
from nightschool.storage.fingerprints import code_version, content_hash, environment, environment_fingerprint
from nightschool.storage.home import Home
from nightschool.storage.release import CONTEXTS, Release

Rebuilt = Literal["same", "differs"]


@dataclass(frozen=True)
class Rebuild:
    """What came of making a release anew.

    Attributes:
        tables: Table to whether its rows have the hash that was published.
        changed: What differs from what the release was made of: data, code, environment.
    """

    release_id: str
    tables: dict[str, Rebuilt]
    changed: tuple[str, ...]

    @property
    def same(self) -> bool:
        """Whether every table is the same."""
        return set(self.tables.values()) == {"same"}


def rebuild_release(home: Home, release_id: str) -> Rebuild:
    """Fit a release's recipe to what was known at its T, make its tables, and compare their hashes; publish nothing.

    Its metrics are not made: they are of a test, and of a search.

    Raises:
        NotFound: There is no such release, or it or the one before it was pruned.
    """
    release = home.releases.whole(release_id)
    night = _night_of(home, release)
    log = prepare_events(night).log
    everything = log.dataset()
    fitted = build(Recipe.model_validate(release.recipe)).fit(everything, seed=night.config.seed)
    with TemporaryDirectory(dir=home.paths.scratch if home.paths.scratch.is_dir() else None) as folder:
        content = content_similarity(fitted, everything)
        write_release_tables(night, log, fitted, content, _contexts_of(release), Path(folder))
        made = [table for table in (*RELEASE_TABLES, HISTORIES) if table.name in release.content_hashes]
        hashes = {
            table.name: _hash(Path(folder), table, release_id, home) for table in made if table.name != METRICS.name
        }
    tables: dict[str, Rebuilt] = {
        name: "same" if found == release.content_hashes[name] else "differs" for name, found in hashes.items()
    }
    return Rebuild(release_id, tables, _changed(night, release))


def _night_of(home: Home, release: Release) -> Night:
    """Return the night that made the release, as it would be opened today."""
    manifest, config = manifest_of(home), NightConfig.model_validate(release.config)
    request = Request(release.as_of, code_version(), environment_fingerprint(environment()))
    before = release.gates.get(CHAMPION)
    champion = None if before is None else home.releases.get(before)
    if champion is not None and config.stabilise:
        try:
            home.releases.require_whole(champion)
        except NotFound as error:
            do = "choose a newer one: nightschool releases list"
            raise NotFound("its lists are tied to those of a release that was pruned", seen=before, do=do) from error
    identity = identify(home.lake, manifest, config, request, release.as_of)
    return Night(home, manifest, config, identity, None, champion, tune=False)


def _contexts_of(release: Release) -> ContextualiseRecord:
    stored = release.gates.get(CONTEXTS) or {}
    contexts = tuple(ContextEntry(name=name, **entry) for name, entry in stored.get("contexts", {}).items())
    return ContextualiseRecord(timezone=stored.get("timezone", "UTC"), contexts=contexts, figures={})


def _hash(folder: Path, table: Table, release_id: str, home: Home) -> str:
    names = home.lake.schema(table).names()
    rows = read_table(folder, table)
    if table.released:
        rows = rows.with_columns(pl.lit(release_id).alias(RELEASE_ID))
    others = (name for name in rows.collect_schema().names() if name not in names)
    return content_hash(rows.select(*names, *others), table)


def _changed(night: Night, release: Release) -> tuple[str, ...]:
    now = {
        "data": (night.identity.data, release.data_fingerprint),
        "code": (night.identity.code, release.code_version),
        "environment": (night.identity.environment, release.environment),
    }
    return tuple(name for name, (found, then) in now.items() if found != then)
