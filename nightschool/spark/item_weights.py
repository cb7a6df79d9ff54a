"""Item-to-item weights by Spark: a task takes some items, and adds up what all parts say of them."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, vstack

from models.autoencoders.autoencoder import spread
from models.neighbours.itemknn import ItemKnn
from models.neighbours.similarity import add_shared
from models.sequential.followers import add_following
from models.sequential.transitions import Transitions
from models.serialization import read_arrays, write_arrays
from nightschool.contract import Float32s
from nightschool.errors import ConfigurationError, DataRefused
from nightschool.night.release.neighbours import strongest_cosines
from nightschool.night.release.next_items import MIN_SUPPORT, WINDOW
from nightschool.ranking.truncate import keep_largest
from nightschool.spark.jobs import on_executors
from nightschool.spark.matrices import Counted, load_likes, load_sequences
from nightschool.spark.parts import Parts, View

BLOCK_BYTES: Final = 192 << 20
"""Memory that a task's dense rows may take."""

Rows = Callable[[range], csr_array]


def item_neighbours(parts: Parts, view: View, counted: Counted, model: ItemKnn, scratch: Path) -> csr_array:
    """Compute the weights of `itemknn`, CSR float32 [n_items, n_items]: the same bits as on one machine."""
    sizes = counted.items.liked.astype(np.float32)
    work = partial(_neighbours_of, parts.folder, view, (sizes, parts.n_users), model)
    return _in_blocks(work, len(sizes), scratch)


def co_occurrence(parts: Parts, view: View, counted: Counted, scratch: Path) -> csr_array:
    """Compute what `co_occurrence` of a release's neighbours does, CSR float32 [n_items, n_items]."""
    sizes = counted.items.liked.astype(np.float32)
    return _in_blocks(partial(_co_occurring_with, parts.folder, view, sizes), len(sizes), scratch)


def transitions(parts: Parts, view: View, counted: Counted, model: Transitions, scratch: Path) -> csr_array:
    """Compute the weights of `transitions`, CSR float32 [n_items, n_items]: the same bits as on one machine.

    Raises:
        ConfigurationError: The data have no order.
        DataRefused: No likes follow one another.
    """
    if not counted.placed.any():
        raise ConfigurationError("transitions needs the order of interactions", do="leave transitions out")
    if counted.longest < 2:
        do = "leave transitions out of these data"
        raise DataRefused("transitions needs likes that follow one another", seen="none", do=do)
    items = np.flatnonzero(counted.items.liked).astype(np.int64)
    index = np.full(len(counted.placed), -1, dtype=np.int64)
    index[items] = np.arange(len(items))
    placed = counted.placed[items]
    steps = _in_blocks(partial(_steps_of, parts.folder, view, (index, placed), model), len(items), scratch)
    file = scratch / "steps.npz"
    write_arrays(file, {"steps": steps})
    weights = _in_blocks(partial(_chained_of, file, model), len(items), scratch)
    return spread(weights, items, len(index))


def follower_counts(parts: Parts, view: View, counted: Counted, scratch: Path) -> csr_array:
    """Count the users who liked one item soon after another, CSR float32 [n_items, n_items]; rare pairs left out."""
    n_items = len(counted.placed)
    return _in_blocks(partial(_followers_of, parts.folder, view, n_items), n_items, scratch)


def _neighbours_of(folder: Path, view: View, counts: tuple[Float32s, int], model: ItemKnn, items: range) -> csr_array:
    sizes, n_users = counts
    shared = _shared(folder, view, items, len(sizes))
    similar = model.nearest().of_counts(shared, sizes, sizes[items.start : items.stop], n_users)
    return model.without_itself(similar, np.arange(items.start, items.stop))


def _co_occurring_with(folder: Path, view: View, sizes: Float32s, items: range) -> csr_array:
    return strongest_cosines(_shared(folder, view, items, len(sizes)), sizes, items)


def _shared(folder: Path, view: View, items: range, n_items: int) -> Float32s:
    """Count the users who like each of some items and each other item, float32 [len(items), n_items]."""
    shared = np.zeros((len(items), n_items), dtype=np.float32)
    for part in range(len(Parts.load(folder))):
        by_user, (starts, users) = load_likes(folder, view, part)
        first, last = starts[items.start], starts[items.stop]
        add_shared((starts[items.start : items.stop + 1] - first, users[first:last]), by_user, shared)
    return shared


def _steps_of(
    folder: Path, view: View, indexed: tuple[NDArray[np.int64], NDArray[np.int64]], model: Transitions, items: range
) -> csr_array:
    index, placed = indexed
    rows = _following(folder, view, index, len(placed), model.kernels(), items)
    return model.largest(model.shares(rows, placed))


def _chained_of(file: Path, model: Transitions, items: range) -> csr_array:
    steps = read_arrays(file)["steps"]
    return model.largest(model.chained(csr_array(steps), items))


def _followers_of(folder: Path, view: View, n_items: int, items: range) -> csr_array:
    after = np.ones(WINDOW + 1, dtype=np.float32)
    rows = _following(folder, view, np.arange(n_items), n_items, (after, np.zeros(1, dtype=np.float32)), items)
    rows[rows < MIN_SUPPORT] = 0
    return keep_largest(rows, n_items)


def _following(
    folder: Path,
    view: View,
    index: NDArray[np.int64],
    n_items: int,
    kernels: tuple[Float32s, Float32s],
    items: range,
) -> Float32s:
    rows = np.zeros((len(items), n_items), dtype=np.float32)
    for part in range(len(Parts.load(folder))):
        add_following(rows, load_sequences(folder, view, part, index, n_items), items, *kernels)
    return rows


def _in_blocks(work: Rows, n_items: int, scratch: Path) -> csr_array:
    """Return the rows of all items, a task a block of them; blocks pass through files."""
    scratch.mkdir(parents=True, exist_ok=True)
    step = max(1, BLOCK_BYTES // (4 * n_items))
    starts = range(0, n_items, step)
    files = on_executors(partial(_write_block, work, step, n_items, scratch), starts, "item weights")
    blocks = [csr_array(read_arrays(file)["rows"]) for file in files]
    for file in files:
        file.unlink()
    return csr_array(vstack(blocks, format="csr"))


def _write_block(work: Rows, step: int, n_items: int, scratch: Path, start: int) -> Path:
    rows = work(range(start, min(start + step, n_items)))
    file = scratch / f"block-{start:08}.npz"
    draft = scratch / f".{file.name}.{id(rows)}"
    write_arrays(draft, {"rows": rows})
    return draft.replace(file)
