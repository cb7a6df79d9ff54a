"""Opening a night: its instant T, its run key, and whether it is new, unfinished or already decided."""

import shutil
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl
from pydantic import BaseModel

from nightschool.columns import (
    INTERACTIONS,
    ITEMS,
    USERS,
)
from nightschool.contract import Recipe
from nightschool.data.manifest import Manifest
from nightschool.errors import DataRefused, GateRefused, Held
from nightschool.night.as_of import newest_known, scan_at
from nightschool.night.config import NightConfig
from nightschool.settings import HomePaths
from nightschool.storage.binding import Binding
from nightschool.storage.durable import atomic_write_text
from nightschool.storage.fingerprints import content_hash, data_fingerprint, release_id, run_key
from nightschool.storage.lake import Lake
from nightschool.storage.night_log import DataUsed
from nightschool.storage.releases import Release, Releases
from nightschool.storage.stages import StageRecords

TUNE_EVERY = timedelta(days=7)


@dataclass(frozen=True)
class Home:
    """One home, opened: its folders, its dataset, its tables and its releases."""

    paths: HomePaths
    binding: Binding
    lake: Lake
    releases: Releases


@dataclass(frozen=True)
class Identity:
    """What makes two nights the same night.

    Attributes:
        as_of: T: the night sees what was known then.
        used: The tables as of T.
        data: Fingerprint of the tables' content as of T.
        code: Hash of the source files.
        environment: Hash of interpreter, libraries and processor.
        run_key: Hash of all of these and the configuration.
    """

    as_of: datetime
    used: tuple[DataUsed, ...]
    data: str
    code: str
    environment: str
    run_key: str

    @property
    def release_id(self) -> str:
        """What this night publishes."""
        return release_id(self.as_of, self.run_key)


@dataclass(frozen=True)
class Night:
    """An open night: everything its stages need.

    Attributes:
        base_version: Version of the `releases` table that the night starts from; None before the first release.
        champion: The current release; None on the first night.
        tune: Whether recipes are chosen anew tonight.
    """

    home: Home
    manifest: Manifest
    config: NightConfig
    identity: Identity
    base_version: int | None
    champion: Release | None
    tune: bool

    @property
    def folder(self) -> Path:
        """Where the stages leave their outputs until the night has ended."""
        return self.home.paths.nights / self.identity.run_key

    @property
    def records(self) -> StageRecords:
        """The records of the finished stages."""
        return StageRecords(self.folder)

    @property
    def champion_recipe(self) -> Recipe | None:
        """The recipe of the current release."""
        return Recipe.model_validate(self.champion.recipe) if self.champion else None

    def close(self) -> None:
        """Forgets the stages of a night that has ended."""
        _clear(self.home.paths)


class _Unfinished(BaseModel):
    """The night that was running when this was written."""

    as_of: datetime
    run_key: str
    release_id: str
    champion: str | None


@dataclass(frozen=True)
class Request:
    """What was asked of a night.

    Attributes:
        as_of: The T that was asked for; None to take the newest available_at.
        code: Hash of the source files.
        environment: Hash of interpreter, libraries and processor.
        force: Whether to run again although the same night was decided before.
    """

    as_of: datetime | None
    code: str
    environment: str
    force: bool = False


def open_night(home: Home, manifest: Manifest, config: NightConfig, request: Request) -> Night | Release:
    """The night to run; or the release, when the same night was published before.

    A night that was interrupted goes on under its own T while nothing it depends on has changed; otherwise it is
    marked abandoned and a new one starts. Call it under the home's lock.

    Raises:
        DataRefused: There are no interactions.
        GateRefused: Publishing is on hold, or the same night was refused before.
    """
    held = home.releases.held()
    if held is not None:
        raise Held("publishing is on hold", seen=held, do="run `nightschool releases release-hold` first")
    stored = _interrupted(home.paths)
    resumed = _resumed(home, manifest, config, request, stored) if stored else None
    identity = resumed or _identify(home, manifest, config, request, request.as_of, stored)
    decided = home.releases.find_run(identity.run_key)
    if decided is not None or resumed is None:
        _clear(home.paths)
    if decided is not None:
        return _published(decided)
    # The version first: whoever publishes from here on is noticed.
    base_version = home.releases.version()
    champion = home.releases.current()
    _remember(home.paths, identity, champion)
    return Night(
        home=home,
        manifest=manifest,
        config=config,
        identity=identity,
        base_version=base_version,
        champion=champion,
        tune=config.tune == "now" or _tuning_is_due(home.releases, identity.as_of),
    )


def _published(decided: Release) -> Release:
    if decided.status == "refused":
        raise GateRefused(
            f"night {decided.release_id} was refused before: {decided.reason}",
            do="change the data or the configuration, or run it again with --force",
        )
    return decided


def _interrupted(paths: HomePaths) -> _Unfinished | None:
    """The night that has not come to its end, decided or not."""
    marker = _marker(paths)
    return _Unfinished.model_validate_json(marker.read_bytes()) if marker.exists() else None


def _resumed(
    home: Home, manifest: Manifest, config: NightConfig, request: Request, stored: _Unfinished
) -> Identity | None:
    """The identity of the interrupted night, when it was not decided and may go on."""
    if home.releases.find_run(stored.run_key) is not None:
        return None
    identity = _identify(home, manifest, config, request, stored.as_of, stored)
    champion = home.releases.current()
    same_night = request.as_of in (None, stored.as_of) and identity.run_key == stored.run_key
    if same_night and stored.champion == (champion.release_id if champion else None):
        return identity
    home.releases.abandon(
        release_id=stored.release_id,
        run_key=stored.run_key,
        as_of=stored.as_of,
        reason="data, configuration, code, environment, T or champion changed since it was interrupted",
    )
    return None


def _identify(
    home: Home,
    manifest: Manifest,
    config: NightConfig,
    request: Request,
    as_of: datetime | None,
    stored: _Unfinished | None,
) -> Identity:
    """The night as of T; when it is forced, under the first key that is not decided, or whose try was cut short."""
    if not home.lake.exists(INTERACTIONS):
        raise DataRefused("there are no interactions", do="ingest some first: nightschool ingest --help")
    instant = as_of or newest_known(home.lake)
    tables = [(table, scan_at(home.lake, table, instant)) for table in (INTERACTIONS, USERS, ITEMS)]
    if tables[0][1].head(1).collect().is_empty():
        raise DataRefused("no interaction was known then", seen=instant.isoformat(), do="choose a later --as-of")
    used = tuple(
        DataUsed(table.name, content_hash(rows, table), rows.select(pl.len()).collect().item())
        for table, rows in tables
    )
    data = data_fingerprint({table.name: table.fingerprint for table in used})
    key = run_key(
        data=data,
        as_of=instant,
        config={"night": config.model_dump(mode="json"), "manifest": manifest.model_dump(mode="json")},
        code=request.code,
        environment=request.environment,
    )
    identity = Identity(instant, used, data, request.code, request.environment, key)
    cut_short = stored.run_key if stored else None
    while request.force and identity.run_key != cut_short and home.releases.find_run(identity.run_key) is not None:
        identity = _again(identity)
    return identity


def _again(identity: Identity) -> Identity:
    """The same night once more, under a key of its own."""
    key = run_key(
        data=identity.data,
        as_of=identity.as_of,
        config={"again": identity.run_key},
        code=identity.code,
        environment=identity.environment,
    )
    return replace(identity, run_key=key)


def _tuning_is_due(releases: Releases, as_of: datetime) -> bool:
    published = [release for release in releases.history() if release.status == "published"]
    tuned = [release.as_of for release in published if release.gates.get("tuned")]
    return not tuned or as_of - max(tuned) >= TUNE_EVERY


def _marker(paths: HomePaths) -> Path:
    return paths.nights / "unfinished.json"


def _clear(paths: HomePaths) -> None:
    """Removes what nights left behind; the marker first, since a night without it is never resumed."""
    _marker(paths).unlink(missing_ok=True)
    shutil.rmtree(paths.nights, ignore_errors=True)


def _remember(paths: HomePaths, identity: Identity, champion: Release | None) -> None:
    paths.nights.mkdir(parents=True, exist_ok=True)
    unfinished = _Unfinished(
        as_of=identity.as_of,
        run_key=identity.run_key,
        release_id=identity.release_id,
        champion=champion.release_id if champion else None,
    )
    atomic_write_text(_marker(paths), unfinished.model_dump_json())
