"""A release's item weights as files that a server maps into memory, shared by its workers."""

import mmap
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray
from scipy.sparse import csr_array

from nightschool.columns import ITEM_ID, RECENCY
from nightschool.contract import Indices, Mask
from nightschool.errors import Unreachable
from nightschool.ranking.foldin import ItemWeights
from nightschool.storage.component_files import ComponentFiles
from nightschool.storage.durable import replacing
from nightschool.storage.mapped_file import MappedFile

WEIGHTS: Final = ComponentFiles(".weights.arrow")

_TARGETS, _VALUES = "targets", "values"


def write_item_weights(path: Path, weights: ItemWeights, item_ids: pl.Series, available: Mask) -> None:
    """Write a component's weights towards available items, whole or not at all.

    A file is uncompressed Arrow IPC of one record batch: a row an item, ascending by id, with the rows of the items
    that it weighs and their weights.

    Args:
        path: Where to.
        weights: By item index.
        item_ids: External ids by item index.
        available: bool [n_items], what may be recommended.
    """
    order = item_ids.arg_sort().to_numpy()
    # What may not be recommended gets no row, and so loses its entries in a product that keeps all others.
    kept = order[available[order]]
    cells = weights.matrix[order][:, kept].tocsr()
    cells.sort_indices()
    targets = np.flatnonzero(available[order]).astype(np.int32)[cells.indices]
    starts = pa.array(cells.indptr.astype(np.int64))
    columns = {
        ITEM_ID: item_ids.gather(order).rechunk().to_arrow(compat_level=pl.CompatLevel.oldest()),
        _TARGETS: pa.LargeListArray.from_arrays(starts, pa.array(targets)),
        _VALUES: pa.LargeListArray.from_arrays(starts, pa.array(cells.data.astype(np.float32))),
    }
    batch = pa.record_batch(columns, metadata={RECENCY: "" if weights.recency is None else repr(weights.recency)})
    with (
        replacing(path) as draft,
        pa.OSFile(str(draft), "wb") as sink,
        pa.ipc.new_file(sink, batch.schema) as writer,
    ):
        writer.write_batch(batch)


class WeightsFile(MappedFile):
    """A component's weights, mapped into memory.

    Attributes:
        ids: The items of its rows, ascending.
        recency: As in `ItemWeights`.
    """

    def __init__(self, path: Path) -> None:
        """Map a file.

        Raises:
            Unreachable: It is missing or damaged.
        """
        try:
            super().__init__(path)
            # Pages that nobody writes are shared between processes; kernels compiled for read-only arrays would be
            # others than those for arrays in memory.
            with path.open("rb") as handle:
                self._pages = mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_COPY)
            whole = pa.py_buffer(self._pages)
            batch = pa.ipc.open_file(whole).get_batch(0)
            batch.validate()
            self.ids = pl.Series(ITEM_ID, batch.column(ITEM_ID))
            recency = (batch.schema.metadata or {})[RECENCY.encode()].decode()
            self.recency = float(recency) if recency else None
            targets, values = batch.column(_TARGETS), batch.column(_VALUES)
            self._starts: NDArray[np.int64] = self._array(targets.offsets, whole, np.int64)
            self._targets: Indices = self._array(targets.values, whole, np.int32)
            self._values: NDArray[np.float32] = self._array(values.values, whole, np.float32)
        except (OSError, ValueError, KeyError, pa.ArrowException) as error:
            do = "run `nightschool retrain`, or roll back: nightschool releases rollback"
            seen = (getattr(error, "strerror", None) or str(error))[:200]
            raise Unreachable(f"{path.parent.name}/{path.name} is missing or damaged", seen=seen, do=do) from error

    def of(self, ids: pl.Series) -> ItemWeights:
        """Return the weights at the positions of a catalogue; items that it lacks are left out.

        Args:
            ids: The catalogue's items, ascending.
        """
        n = len(ids)
        if ids.equals(self.ids):
            return self._weights(self._values, self._targets, self._starts, n)
        places = ids.search_sorted(self.ids).to_numpy().astype(np.int32)
        known = self._known(ids, places)
        counts = np.zeros(n + 1, dtype=np.int64)
        sizes = np.diff(self._starts)
        if known.all():
            counts[places + 1] = sizes
            return self._weights(self._values, places[self._targets], counts.cumsum(), n)
        kept = np.repeat(known, sizes) & known[self._targets]
        rows = np.repeat(places, sizes)[kept]
        counts[1:] = np.bincount(rows, minlength=n)
        return self._weights(self._values[kept], places[self._targets[kept]], counts.cumsum(), n)

    def _weights(self, values: NDArray[np.float32], targets: Indices, starts: NDArray[np.int64], n: int) -> ItemWeights:
        # Offsets of another width than the targets would make a copy of those.
        offsets = starts if len(targets) > np.iinfo(np.int32).max else starts.astype(np.int32)
        return ItemWeights(csr_array((values, targets, offsets), shape=(n, n), copy=False), self.recency)

    def _known(self, ids: pl.Series, places: Indices) -> Mask:
        """Return which items are at their places among those of a catalogue, bool [n_rows]."""
        within = places < len(ids)
        found = ids.gather(np.where(within, places, 0)) == self.ids if len(ids) else pl.Series([False] * len(places))
        known: Mask = found.to_numpy() & within
        return known

    def _array(self, column: pa.Array, whole: pa.Buffer, dtype: Any) -> NDArray[Any]:
        start = column.buffers()[1].address - whole.address if len(column) else 0
        return np.frombuffer(self._pages, dtype, len(column), start)
