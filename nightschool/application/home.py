"""Opening the home that the settings name, bound to its dataset."""

import os
from contextlib import suppress
from pathlib import Path

from nightschool.columns import NIGHTS
from nightschool.data.feedback_source import with_sent
from nightschool.data.manifest.manifest import Manifest, load_manifest
from nightschool.data.normalization.id_types import infer_id_dtypes
from nightschool.errors import Busy, ConfigurationError, NotFound
from nightschool.ingest.feedback_events import took_in_sent
from nightschool.settings import HomePaths, Settings
from nightschool.storage.binding import Binding, bind, find_binding, get_binding, require_same
from nightschool.storage.home import Home
from nightschool.storage.home_version import VERSION, home_version
from nightschool.storage.lake import Lake
from nightschool.storage.lock import home_lock
from nightschool.storage.releases import Releases
from nightschool.storage.upgrade import upgrade


def open_home(dataset: str | None = None) -> Home:
    """Open the home as its first ingest bound it.

    Args:
        dataset: The dataset that it must hold: a shipped dataset's name or the path of a manifest; None for any.

    Raises:
        NotFound: Nothing was ingested into it yet.
        ConfigurationError: It holds another dataset.
    """
    paths = Settings().paths
    binding = get_binding(paths.binding)
    if dataset is not None and load_manifest(dataset).name != binding.dataset:
        raise ConfigurationError(
            f"home {paths.root} holds dataset {binding.dataset!r}", seen=dataset, do="use another --home"
        )
    _upgrade_if_free(paths)
    return _home(paths, binding)


def _upgrade_if_free(paths: HomePaths) -> None:
    """Upgrade an older home; one that is locked or read-only is read as it is."""
    if home_version(paths) < VERSION and os.access(paths.root, os.W_OK):
        with suppress(Busy), home_lock(paths.lock):
            upgrade(paths)


def bind_home(dataset: str | None, source_root: Path | None) -> Home:
    """Open the home and bind it to the dataset and the folder of its source files; the caller holds its lock.

    Args:
        dataset: A shipped dataset's name or the path of a manifest; None for the one that the home holds.
        source_root: The folder that the manifest's files lie below; None for the one that the home remembers.

    Raises:
        ConfigurationError: The home holds another dataset, or neither it nor the caller names a dataset or folder.
        NotFound: The folder does not exist.
    """
    paths = Settings().paths
    stored = find_binding(paths.binding)
    name = dataset or (stored.manifest if stored else None)
    root = source_root or (stored.source_root if stored else None)
    if name is None or root is None:
        missing = "--dataset" if name is None else "--source-root"
        raise ConfigurationError(f"home {paths.root} is new", do=f"give {missing}")
    if not root.is_dir():
        raise NotFound("no such source folder", seen=str(root), do="give --source-root an existing folder")
    manifest = load_manifest(name)
    if not holds_data(paths):
        # Nothing was ever ingested: an earlier try that was refused does not bind the home.
        paths.binding.unlink(missing_ok=True)
        stored = None
    upgrade(paths)
    wanted = _wanted(name, manifest, root.absolute(), stored)
    if stored is None:
        bind(paths.binding, wanted)
    else:
        # The ingest stores the new binding, once it has found its files there.
        require_same(paths.root, stored, wanted)
    return _home(paths, wanted)


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
    return with_sent(manifest, Settings().events_address) if took_in_sent(home.lake) else manifest


def _wanted(name: str, manifest: Manifest, root: Path, stored: Binding | None) -> Binding:
    path = Path(name)
    manifest_name = str(path.absolute()) if path.is_file() else name
    if stored is not None:
        # Another dataset is refused by its name, and its files need not even be there.
        named = {"dataset": manifest.name, "manifest": manifest_name, "source_root": root}
        return stored.model_copy(update=named)
    user_id, item_id = infer_id_dtypes(manifest, root)
    return Binding(
        dataset=manifest.name, manifest=manifest_name, source_root=root, user_id=str(user_id), item_id=str(item_id)
    )


def _home(paths: HomePaths, binding: Binding) -> Home:
    lake = Lake(paths.lake, binding.user_dtype, binding.item_dtype)
    return Home(paths, binding, lake, Releases(lake))
