"""The histories of a dataset as sequences of likes."""

import polars as pl

from nightschool.columns import SCORE, TIMESTAMP
from nightschool.contract import Dataset


def placed_likes(dataset: Dataset) -> pl.DataFrame:
    """Return the likes that have a place in their user's history, by user and then in the order of time.

    A like without a time has no place, unless the source's order is that of time; without any order there are none.
    """
    if not dataset.has_order:
        return dataset.pairs.clear()
    liked = dataset.pairs.filter(pl.col(SCORE) > 0)
    if not dataset.ordered:
        liked = liked.drop_nulls(TIMESTAMP)
    return liked.sort(dataset.sequence_keys)
