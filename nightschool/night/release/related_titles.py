"""What the search finds an item by besides its own words: the titles of items whose vectors are like its own."""

from typing import Final

import numpy as np
import polars as pl

from nightschool.columns import TITLE, WITHDRAWN
from nightschool.contract import Float32s, Indices
from nightschool.data.vectors import item_vectors
from nightschool.item_columns import TEXT_VECTOR, ItemColumns
from nightschool.ranking.blocks import each_block
from nightschool.ranking.topk import top_k

_RELATED: Final = 5
_CELLS: Final = 2**21  # of similarities that a core holds


def related_titles(items: pl.DataFrame, columns: ItemColumns) -> pl.Series:
    """Join the titles of the up to five items whose vectors have the highest cosine with each item's own.

    Items that are withdrawn, have no title, or have a cosine of zero or less are not among them; an item without a
    vector has none.

    Args:
        items: title, withdrawn, and columns of vectors, those of an encoder of texts included.
        columns: Which columns hold vectors.
    """
    vectors = item_vectors(items, (*columns.vectors, TEXT_VECTOR))
    titled = ~items[WITHDRAWN] & (items[TITLE].fill_null("").str.strip_chars() != "")
    others = np.flatnonzero(titled.to_numpy() & vectors.known).astype(np.int32)
    if not len(others):
        return pl.repeat("", items.height, dtype=pl.String, eager=True)
    units = vectors.units()
    blocks = each_block(lambda rows: _nearest(units, rows, others), items.height, max(_CELLS // len(others), 1))
    nearest = pl.Series(np.concatenate(blocks), dtype=pl.Int32)
    titles = items[TITLE].gather(nearest.set(nearest < 0, None))
    rows = pl.DataFrame({"item": np.repeat(np.arange(items.height), _RELATED), TITLE: titles})
    return rows.group_by("item", maintain_order=True).agg(pl.col(TITLE).str.join(" ")).get_column(TITLE)


def _nearest(units: Float32s, rows: Indices, others: Indices) -> Indices:
    """Return the nearest of the others to each row, int32 [n_rows · 5], best first; -1 for none."""
    cosines = units[rows] @ units[others].T
    cosines[rows[:, None] == others] = 0
    found = top_k(np.where(cosines > 0, cosines, -np.inf).astype(np.float32), _RELATED).items
    return np.where(found >= 0, others[found], -1).astype(np.int32).ravel()
