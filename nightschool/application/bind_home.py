"""Binding a home to its dataset and to the folder of its source files, as an ingest does."""

from pathlib import Path

from nightschool.application.home import holds_data
from nightschool.data.manifest.manifest import Manifest, load_manifest
from nightschool.data.normalization.id_types import infer_id_dtypes
from nightschool.errors import ConfigurationError, NotFound
from nightschool.settings import Settings
from nightschool.storage.binding import Binding, bind, find_binding, require_same
from nightschool.storage.home import Home
from nightschool.storage.table_cache import SMALL_BYTES
from nightschool.storage.upgrade import upgrade


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
    return Home.of(paths, wanted, SMALL_BYTES)


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
