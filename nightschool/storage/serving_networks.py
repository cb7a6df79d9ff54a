"""A release's networks as files that a server scores histories by: arrays, and the ids of the items that they know."""

import hashlib
import shutil
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import polars as pl

from nightschool.errors import Unreachable
from nightschool.ranking.self_attention import SelfAttention
from nightschool.storage.durable import replacing
from nightschool.storage.release import Release

_IDS = "ids"
_ITEMS = "items"
_ENDING = ".network.npz"
_DAMAGED = (OSError, ValueError, EOFError, KeyError, TypeError, zipfile.BadZipFile)


def network_path(folder: Path, component: str) -> Path:
    """Return the file of a component's network in a folder."""
    return folder / f"{component}{_ENDING}"


def network_files(folder: Path) -> Mapping[str, Path]:
    """Return the networks in a folder by their component; none where the folder does not exist."""
    return {file.name.removesuffix(_ENDING): file for file in sorted(folder.glob(f"[!.]*{_ENDING}"))}


def write_network(path: Path, network: SelfAttention, item_ids: pl.Series) -> None:
    """Write a network with the external ids of the items in its vectors, whole or not at all.

    Args:
        path: Where to.
        network: The network, by item index.
        item_ids: External ids by item index.
    """
    learned = np.flatnonzero(network.items >= 0)
    known = item_ids.gather(learned[np.argsort(network.items[learned])])
    arrays = {name: array for name, array in vars(network).items() if name != _ITEMS}
    # A handle keeps numpy from adding a suffix of its own.
    with replacing(path) as draft, draft.open("wb") as handle:
        np.savez(handle, allow_pickle=False, **arrays, **{_IDS: np.array(known.to_list())})


def publish_networks(staged: Path, served: Path) -> dict[str, str]:
    """Copy the networks of a folder to those of a release, each whole or not at all; return their hashes by file name.

    Networks of an earlier try are removed.
    """
    for old in network_files(served).values():
        old.unlink()
    hashes = {}
    for component, file in network_files(staged).items():
        copy = network_path(served, component)
        with replacing(copy) as draft:
            shutil.copyfile(file, draft)
        hashes[copy.name] = file_hash(copy)
    return hashes


def published_networks(release: Release, folder: Path) -> dict[str, Path]:
    """Return the networks that were published with a release, by component; they need not be there any more."""
    names = [name for name in release.content_hashes if name.endswith(_ENDING)]
    return {name.removesuffix(_ENDING): folder / name for name in names}


def file_hash(file: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hex."""
    with file.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def read_network(path: Path, position: Callable[[int | str], int | None], n_items: int) -> SelfAttention:
    """Read a network for the items of a catalogue.

    Args:
        path: The file.
        position: The position of an external id in the catalogue; None where it is not there.
        n_items: Items of the catalogue.

    Raises:
        Unreachable: The file is damaged.
    """
    try:
        # A handle is closed also where the file is no archive.
        with path.open("rb") as handle, np.load(handle, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
        places = [position(item_id) for item_id in arrays.pop(_IDS).tolist()]
        items = np.full(n_items, -1, dtype=np.int32)
        rows = np.flatnonzero([place is not None for place in places])
        items[[place for place in places if place is not None]] = rows
        return SelfAttention(items=items, **arrays)
    except _DAMAGED as error:
        raise Unreachable(
            f"{path} cannot be read: {error}", do="restore the file from a backup, or roll back to another release"
        ) from error
