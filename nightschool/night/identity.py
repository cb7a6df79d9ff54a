"""The identity of a night: T, the data as of T, configuration, manifest, code and environment."""

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime

import polars as pl

from nightschool.columns import INTERACTIONS, ITEMS, USERS, Table
from nightschool.data.manifest.manifest import Manifest
from nightschool.errors import DataRefused
from nightschool.night.config import NightConfig
from nightschool.storage.as_of import newest_known, scan_at
from nightschool.storage.fingerprints import content_hash, data_fingerprint, release_id, run_key
from nightschool.storage.lake import Lake
from nightschool.storage.night_log import DataUsed
from nightschool.storage.releases import Releases


@dataclass(frozen=True)
class Request:
    """The request for a night.

    Attributes:
        as_of: The T that was asked for; None to take the newest available_at.
        code: Hash of the source files.
        environment: Hash of interpreter, libraries and processor.
        force: Whether to run again although the same night was decided before.
        make_current: Whether the release becomes current even when its T is before that of the current release.
    """

    as_of: datetime | None
    code: str
    environment: str
    force: bool = False
    make_current: bool = False


@dataclass(frozen=True)
class Identity:
    """The facts that make two nights the same night.

    Attributes:
        as_of: T: the night sees what was known then.
        used: Fingerprints of the tables as of T.
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
        """Return the id of the release that this night publishes."""
        return release_id(self.as_of, self.run_key)


def identify(lake: Lake, manifest: Manifest, config: NightConfig, request: Request, as_of: datetime | None) -> Identity:
    """Return the identity of the night at T, which is the newest available_at unless it is given.

    Raises:
        DataRefused: There are no interactions, or none was known at T.
    """
    if not lake.exists(INTERACTIONS):
        raise DataRefused("there are no interactions", do="ingest some first: nightschool ingest --help")
    instant = as_of or newest_known(lake)
    tables = [(table, scan_at(lake, table, instant)) for table in (INTERACTIONS, USERS, ITEMS)]
    if tables[0][1].head(1).collect().is_empty():
        raise DataRefused(
            "no interaction was known then",
            seen=instant.isoformat(),
            do="choose a later --as-of; rows count from when their file was written, unless history = true",
        )
    used = tuple(
        DataUsed(table.name, _fingerprint(lake, table, rows, config), rows.select(pl.len()).collect().item())
        for table, rows in tables
    )
    data = data_fingerprint({table.name: table.fingerprint for table in used})
    identity = Identity(instant, used, data, request.code, request.environment, run_key="")
    return keyed_at(identity, instant, manifest, config)


def _fingerprint(lake: Lake, table: Table, rows: pl.LazyFrame, config: NightConfig) -> str:
    """Hash the content of a table; of interactions that outgrow one machine, the names of its files.

    A file is never written twice, so that other rows have other names. The same rows in other files count as others.
    """
    if config.engine == "spark" and table is INTERACTIONS:
        return hashlib.sha256("\0".join(sorted(file.name for file in lake.files(table))).encode()).hexdigest()
    return content_hash(rows, table)


def keyed_at(identity: Identity, as_of: datetime, manifest: Manifest, config: NightConfig) -> Identity:
    """Return the identity that the same data, code and environment would have at another T."""
    key = run_key(
        data=identity.data,
        as_of=as_of,
        config={"night": config.deciding(), "manifest": manifest.model_dump(mode="json")},
        code=identity.code,
        environment=identity.environment,
    )
    return replace(identity, as_of=as_of, run_key=key)


def again(identity: Identity) -> Identity:
    """Return the identity of a repeat of the same night under a new key, as `--force` runs it."""
    key = run_key(
        data=identity.data,
        as_of=identity.as_of,
        config={"again": identity.run_key},
        code=identity.code,
        environment=identity.environment,
    )
    return replace(identity, run_key=key)


def undecided(identity: Identity, releases: Releases, cut_short: str | None) -> Identity:
    """Return the first repeat of the night that is not decided, or the one that was interrupted."""
    while identity.run_key != cut_short and releases.find_run(identity.run_key) is not None:
        identity = again(identity)
    return identity


def is_repeat_of(identity: Identity, run_key: str, releases: Releases) -> bool:
    """Return whether the run key is that of the night, or of one of its forced repeats."""
    while identity.run_key != run_key:
        if releases.find_run(identity.run_key) is None:
            return False
        identity = again(identity)
    return True
