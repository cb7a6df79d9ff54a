"""Labels of the rows of a frame, one-hot encoded."""

from collections.abc import Sequence

import numpy as np
import polars as pl
from scipy.sparse import csr_array, hstack

_ROW = "row"
_LABEL = "label"


def one_hot(frame: pl.DataFrame, columns: Sequence[str]) -> csr_array:
    """Encode the labels of each row as ones, CSR float32 [n_rows, n_labels]; each column's labels sorted.

    Args:
        frame: Any frame.
        columns: Those of its columns that hold a label a row or a list of them.
    """
    nothing = csr_array((frame.height, 0), dtype=np.float32)
    return hstack([nothing, *(_one_hot(frame[column]) for column in columns)], format="csr")


def label_rows(frame: pl.DataFrame, column: str) -> pl.DataFrame:
    """Return one row per label, as text, without rows that have none."""
    if isinstance(frame.schema[column], pl.List):
        frame = frame.explode(column)
    return frame.with_columns(pl.col(column).cast(pl.String)).drop_nulls(column)


def _one_hot(labels: pl.Series) -> csr_array:
    rows = label_rows(labels.alias(_LABEL).to_frame().with_row_index(_ROW), _LABEL).unique().sort(_ROW, _LABEL)
    cells = (rows[_ROW].to_numpy(), (rows[_LABEL].rank("dense") - 1).to_numpy())
    return csr_array((np.ones(rows.height, dtype=np.float32), cells), shape=(len(labels), rows[_LABEL].n_unique()))
