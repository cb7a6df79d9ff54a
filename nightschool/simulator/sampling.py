"""Weighted draws, whole arrays at a time."""

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from nightschool.contract import Float32s, Indices

Weights = NDArray[np.float64]


def draw_indices(weights: Weights | Sequence[float], n: int, rng: np.random.Generator) -> Indices:
    """Draw indices, int32 [n], independently with probability proportional to the weights."""
    cumulated = np.cumsum(np.asarray(weights, dtype=np.float64))
    found = np.searchsorted(cumulated, rng.random(n) * cumulated[-1], side="right")
    drawn: Indices = np.minimum(found, len(cumulated) - 1).astype(np.int32)
    return drawn


def draw_from_rows(weights: Weights | Float32s, rows: Indices, rng: np.random.Generator) -> Indices:
    """Draw columns, int32 [n], each with probability proportional to its row of weights [n_rows, n_columns].

    The rows' cumulated shares, each shifted by its row number, form one ascending array, so that one binary search
    serves all rows.
    """
    n_columns = weights.shape[1]
    cumulated = np.cumsum(weights, axis=1, dtype=np.float64)
    cumulated /= cumulated[:, -1:]
    cumulated += np.arange(len(weights))[:, None]
    found = np.searchsorted(cumulated.ravel(), rows + rng.random(len(rows)), side="right")
    drawn: Indices = np.minimum(found - rows.astype(np.int64) * n_columns, n_columns - 1).astype(np.int32)
    return drawn


def labels(names: Sequence[str], codes: Indices) -> pl.Series:
    """Return the name of each code, strings [n]."""
    return pl.Series(names, dtype=pl.String).gather(codes)


def codes(column: pl.Series, names: Sequence[str]) -> Indices:
    """Return the position of each value among the names, int32 [n]; an unknown value is an error of polars."""
    return column.cast(pl.Enum(names)).to_physical().to_numpy().astype(np.int32)
