"""Declared prerequisites: which of the ids that items name are items."""

from typing import Final

import polars as pl
from scipy.sparse import csr_array

from nightschool.columns import ITEM_ID
from nightschool.contract import Mask
from nightschool.data.normalization.ids import read_ids

NAMED: Final = "named"
PREREQUISITE: Final = "prerequisite"


def prerequisite_pairs(items: pl.DataFrame, column: str) -> pl.DataFrame:
    """Return item_id, named, prerequisite: one row for each different id that an item names.

    `named` is the id as text, and `prerequisite` the id, null where it matches no item: it is never guessed. Words for
    no value name nothing.

    Args:
        items: item_id, each once, and the column.
        column: Lists of ids as text.
    """
    rows = items.select(ITEM_ID, pl.col(column).alias(NAMED)).explode(NAMED).drop_nulls(NAMED)
    ids = read_ids(rows[NAMED], items.schema[ITEM_ID])
    known = ids.values.is_in(items[ITEM_ID].implode())
    read = rows.with_columns(ids.given.alias(NAMED), ids.values.set(~known, None).alias(PREREQUISITE))
    return read.drop_nulls(NAMED).unique(maintain_order=True)


def prerequisite_matrix(items: pl.DataFrame, pairs: pl.DataFrame) -> csr_array:
    """Return the pairs that match an item by the positions of `items`, CSR bool [n_items, n_items]."""
    places = items.select(ITEM_ID).with_row_index("place")
    known = pairs.drop_nulls(PREREQUISITE).join(places, on=ITEM_ID, maintain_order="left")
    targets = places.rename({ITEM_ID: PREREQUISITE, "place": "target"})
    known = known.join(targets, on=PREREQUISITE, maintain_order="left")
    ones: Mask = pl.repeat(True, known.height, dtype=pl.Boolean, eager=True).to_numpy()
    cells = (known["place"].to_numpy().astype("int32"), known["target"].to_numpy().astype("int32"))
    return csr_array((ones, cells), shape=(items.height, items.height))
