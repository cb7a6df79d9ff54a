"""A release's networks as files that a server scores histories by: arrays, and the ids of the items that they know."""

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl

from nightschool.errors import Unreachable
from nightschool.ranking.self_attention import SelfAttention
from nightschool.storage.component_files import ComponentFiles
from nightschool.storage.durable import replacing

NETWORKS: Final = ComponentFiles(".network.npz")

_IDS = "ids"
_ITEMS = "items"
_DAMAGED = (OSError, ValueError, EOFError, KeyError, TypeError, zipfile.BadZipFile)


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
