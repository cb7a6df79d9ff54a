"""What users and items are labelled with, as rows of numbers."""

from collections.abc import Sequence

import numpy as np
import polars as pl
from scipy.sparse import csr_array, hstack

from nightschool.columns import USER_ID
from nightschool.contract import Dataset

_ROW = "row"
_LABEL = "label"


def user_labels(dataset: Dataset) -> csr_array:
    """Each user's attributes, CSR float64 [n_users, n_labels]; an attribute's n labels weigh 1 / √n each."""
    return _rows(dataset.users, [name for name in dataset.users.columns if name != USER_ID])


def item_labels(dataset: Dataset) -> csr_array:
    """Each item's categories, ordinals and lists, CSR float64 [n_items, n_labels]; n labels weigh 1 / √n each."""
    columns = dataset.item_columns
    return _rows(dataset.items, [*columns.categories, *columns.ordinals, *columns.lists])


def _rows(frame: pl.DataFrame, columns: Sequence[str]) -> csr_array:
    return hstack([csr_array((frame.height, 0)), *(_one_hot(frame[column]) for column in columns)], format="csr")


def _one_hot(labels: pl.Series) -> csr_array:
    """A column of labels or of lists of them; labels in sorted order, none for null."""
    rows = labels.alias(_LABEL).to_frame().with_row_index(_ROW)
    if isinstance(labels.dtype, pl.List):
        rows = rows.explode(_LABEL)
    rows = rows.with_columns(pl.col(_LABEL).cast(pl.String)).drop_nulls().unique().sort(_ROW, _LABEL)
    coded = rows.with_columns(
        place=pl.col(_LABEL).rank("dense").cast(pl.Int64) - 1, weight=1 / pl.len().over(_ROW).sqrt()
    )
    coordinates = (coded[_ROW].to_numpy(), coded["place"].to_numpy())
    n_labels = rows[_LABEL].n_unique()
    return csr_array((coded["weight"].to_numpy().astype(np.float64), coordinates), shape=(len(labels), n_labels))
