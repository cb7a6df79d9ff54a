"""Opening a home that holds data: the one that the settings name, or one at a path."""

import os
from contextlib import suppress

import polars as pl

from nightschool.columns import FILE, INTERACTIONS, NIGHTS, SOURCES, TABLE
from nightschool.data.feedback_source import FEEDBACK, with_feedback
from nightschool.data.manifest.manifest import Manifest, load_manifest
from nightschool.errors import Busy, ConfigurationError
from nightschool.settings import HomePaths, Settings
from nightschool.storage.binding import find_binding, get_binding
from nightschool.storage.home import Home
from nightschool.storage.home_version import VERSION, home_version
from nightschool.storage.lake import Lake
from nightschool.storage.lock import home_lock
from nightschool.storage.replica import replica_of
from nightschool.storage.upgrade import upgrade


def open_home(dataset: str | None = None) -> Home:
    """Open the home as its first ingest bound it.

    Args:
        dataset: The dataset that it must hold: a shipped dataset's name or the path of a manifest; None for any.

    Raises:
        NotFound: Nothing was ingested into it yet.
        ConfigurationError: It holds another dataset.
        Unreachable: It is a copy of a store that does not answer.
    """
    paths = Settings().paths
    replica = replica_of(paths)
    if replica is not None:
        replica.follow()
    binding = get_binding(paths.binding)
    if dataset is not None and load_manifest(dataset).name != binding.dataset:
        raise ConfigurationError(
            f"home {paths.root} holds dataset {binding.dataset!r}", seen=dataset, do="use another --home"
        )
    _upgrade_if_free(paths)
    return Home.of(paths, binding)


def home_at(paths: HomePaths) -> Home:
    """Open the home at a path for reading, as its first ingest bound it; an older one is read as it is.

    Raises:
        NotFound: Nothing was ingested into it yet.
    """
    return Home.of(paths, get_binding(paths.binding))


def _upgrade_if_free(paths: HomePaths) -> None:
    """Upgrade an older home; one that is locked or read-only is read as it is."""
    if home_version(paths) < VERSION and os.access(paths.root, os.W_OK):
        with suppress(Busy), home_lock(paths.lock):
            upgrade(paths)


def holds_data(paths: HomePaths) -> bool:
    """Return whether anything was ever ingested; a home with only the table of nights holds no data."""
    return paths.lake.exists() and any(table.name != NIGHTS.name for table in paths.lake.iterdir())


def asked_manifest(dataset: str | None) -> Manifest | None:
    """Return the manifest that was asked for, else that of the home's dataset; None without either."""
    stored = find_binding(Settings().paths.binding)
    name = dataset or (stored.manifest if stored else None)
    return load_manifest(name) if name else None


def manifest_of(home: Home) -> Manifest:
    """Load the manifest of the home's dataset, with the source of feedback events once any were taken in."""
    manifest = load_manifest(home.binding.manifest)
    address = Settings(home=home.paths.root).events_address
    return with_feedback(manifest, address) if _took_in_feedback(home.lake) else manifest


def _took_in_feedback(lake: Lake) -> bool:
    entries = lake.scan(SOURCES).filter(pl.col(TABLE) == INTERACTIONS.name, pl.col(FILE) == FEEDBACK)
    return not entries.head(1).collect().is_empty()
