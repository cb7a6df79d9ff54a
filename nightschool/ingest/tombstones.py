"""Rows of erased users: they are counted as they arrive, and nothing of them is kept."""

import polars as pl

from nightschool.columns import DETAIL, REASON, ROW, USER_ID
from nightschool.data.readers.parsing import RAW
from nightschool.storage.erasure_log import Erasures

FORGOTTEN_USER = "forgotten_user"


def mark_forgotten(frame: pl.DataFrame, erasures: Erasures) -> pl.DataFrame:
    """Give rows of erased users a reason, and drop their detail and source row.

    It comes before any other rule: theirs is the reason whatever else is wrong with the row, which no detail may quote.
    """
    theirs = erasures.mask(frame[USER_ID])
    if not theirs.any():
        return frame
    kept = [pl.when(~theirs).then(name).alias(name) for name in (DETAIL, ROW, RAW)]
    reason = pl.when(theirs).then(pl.lit(FORGOTTEN_USER)).otherwise(REASON).alias(REASON)
    return frame.with_columns(reason, *kept)
