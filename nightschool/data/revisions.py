"""Rows that are valid at an instant: the newest of each user and item, and each event's newest revision."""

from datetime import datetime
from typing import Final

import polars as pl

from nightschool.columns import AVAILABLE_AT, DELETED, EVENT_ID, ITEM_ID, REVISION, UNTIL, WITHDRAWN

_NEWEST: Final = "newest"
_ENDED: Final = "ended"
_DESCRIBES: Final = "describes"


def known_at(frame: pl.LazyFrame, as_of: datetime, key: str) -> pl.LazyFrame:
    """Return users or items as they were known at an instant: the newest row of each id, available since its first one.

    An id whose newest row is `withdrawn` keeps the newest row that describes it. `until` is the earlier of what that
    row says and the withdrawal; `withdrawn` says whether a user had left, or an item ended, by that instant.
    """
    known = frame.filter(pl.col(AVAILABLE_AT) <= as_of).sort(AVAILABLE_AT, maintain_order=True)
    gone = pl.col(WITHDRAWN).fill_null(value=False)
    known = known.with_columns(
        pl.col(AVAILABLE_AT).min().over(key),
        pl.when(gone).then(AVAILABLE_AT).last().over(key).alias(_ENDED),
        (~gone | gone.all().over(key)).alias(_DESCRIBES),
    )
    newest = known.filter(_DESCRIBES).unique(subset=key, keep="last", maintain_order=True)
    end = pl.min_horizontal(UNTIL, _ENDED) if key == ITEM_ID else pl.col(_ENDED)
    ends = [end.alias(UNTIL)] if key == ITEM_ID else []
    return newest.with_columns(*ends, (end <= as_of).fill_null(value=False).alias(WITHDRAWN)).drop(_ENDED, _DESCRIBES)


def events_at(frame: pl.LazyFrame, as_of: datetime) -> pl.LazyFrame:
    """Return interactions as known at an instant: each event's newest revision, and none that was taken back."""
    return at_revisions(frame, as_of, newest_revisions(frame, as_of))


def newest_revisions(frame: pl.LazyFrame, as_of: datetime) -> pl.DataFrame:
    """Return the newest revision by that instant of each event that was corrected: event_id, newest."""
    corrected = frame.filter(pl.col(AVAILABLE_AT) <= as_of, pl.col(REVISION) > 0)
    return corrected.group_by(EVENT_ID).agg(pl.col(REVISION).max().alias(_NEWEST)).collect()


def at_revisions(frame: pl.LazyFrame, as_of: datetime, revised: pl.DataFrame) -> pl.LazyFrame:
    """Return some interactions as known at an instant, given what `newest_revisions` found in all of them."""
    known = frame.filter(pl.col(AVAILABLE_AT) <= as_of)
    if revised.height:
        known = known.join(revised.lazy(), on=EVENT_ID, how="left", maintain_order="left")
        known = known.filter(pl.col(_NEWEST).is_null() | (pl.col(REVISION) == pl.col(_NEWEST))).drop(_NEWEST)
    return known.filter(~pl.col(DELETED).fill_null(value=False))
