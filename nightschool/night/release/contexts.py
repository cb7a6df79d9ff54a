"""The table of lifts: how much more often an item is chosen in a context."""

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from nightschool.columns import CONTEXT, ITEM_ID, LIFT, SUPPORT, VALUE
from nightschool.contract import Dataset
from nightschool.night.records import ContextualiseRecord
from nightschool.night.selection.context_ranking import ContextData

_LEAST_LIFT = 0.005
"""Lifts nearer to zero change no list, and are left out."""

_LEAST_SHOWN = 3
"""Choices of an item in a context below which none are shown: they could be one person's."""


def context_lifts(dataset: Dataset, declared: tuple[str, ...], record: ContextualiseRecord) -> pl.DataFrame:
    """Return context, value, item_id, lift, support of what may be recommended, in the order of the key.

    The lifts are learned from all choices of the dataset, of the contexts that are switched on and of the values that
    were known when their settings were chosen.
    """
    rows = [pl.DataFrame(schema={CONTEXT: pl.String, VALUE: pl.String, LIFT: pl.Float32, SUPPORT: pl.Int32})]
    rows[0] = rows[0].with_columns(pl.Series(ITEM_ID, [], dtype=dataset.item_ids.dtype))
    data = ContextData(dataset, declared, record.timezone)
    for entry in record.contexts:
        if entry.strength is None:
            continue
        counts = data.counts(entry.name, entry.values)
        lifts = counts.lifts(entry.strength)
        values, items = np.nonzero((np.abs(lifts) >= _LEAST_LIFT) & dataset.available)
        named = pl.Series(entry.values, dtype=pl.String).gather(values)
        found = {VALUE: named, LIFT: lifts[values, items], SUPPORT: _without_few(counts.seen[values, items])}
        ids = dataset.item_ids.gather(items)
        rows.append(pl.DataFrame({CONTEXT: pl.repeat(entry.name, len(values), eager=True), **found, ITEM_ID: ids}))
    table = pl.concat([each.select(CONTEXT, VALUE, ITEM_ID, LIFT, SUPPORT) for each in rows])
    return table.sort(CONTEXT, VALUE, ITEM_ID)


def _without_few(support: NDArray[Any]) -> NDArray[np.int32]:
    """Return the support, int32 [n], with zeros in place of what tells of single people."""
    return np.where(support < _LEAST_SHOWN, 0, support).astype(np.int32)
