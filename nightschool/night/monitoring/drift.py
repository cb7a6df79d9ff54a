"""How far the events since the release before differ from those of the weeks before it, column by column."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

import polars as pl

from nightschool.columns import AVAILABLE_AT, BIN, COLUMN, DURATION, EVENT, ITEM_ID, LIKED, RATING, ROWS, TIMESTAMP
from nightschool.data.manifest.sections import Interactions
from nightschool.data.normalization.profile import population_stability, profile
from nightschool.evaluation.figure_rows import Figure
from nightschool.hashing import hash_ids

WINDOW: Final = timedelta(days=28)

EVENTS: Final = "new_events"
PSI: Final = "psi"
MISSING: Final = "missing_values"

ITEM: Final = "item"
"""The profiled column of what was chosen."""

_ITEM_GROUPS: Final = 32
_MOST_ROWS: Final = 1_000_000


def measure_drift(events: pl.LazyFrame, part: Interactions, since: datetime, as_of: datetime) -> list[Figure]:
    """Measure the events that became known since an instant against those of the 28 days before it.

    `new_events` is the number of the new ones. Of each column, and of the items in 32 groups, `psi` is the population
    stability index less what two samples of one distribution would show, and `missing_values` the share of new events
    without a value. Of the events before, the last million count.

    Args:
        events: The rows of the interactions table, of which those that are known at T count.
        part: What the manifest says about them.
        since: T of the release before.
        as_of: T.
    """
    profiled = events.select(AVAILABLE_AT, ITEM_ID, TIMESTAMP, EVENT, DURATION, LIKED, RATING)
    known = pl.col(AVAILABLE_AT)
    new = profiled.filter(known > since, known <= as_of).collect()
    figures = [Figure(EVENTS, float(new.height))]
    # A first delivery may bring years at once.
    before = profiled.filter(known > since - WINDOW, known <= since).tail(_MOST_ROWS).collect() if new.height else new
    if before.height:
        profiles = [pl.concat([profile(part, each), _items(each)]) for each in (before, new)]
        figures += _columns(population_stability(*profiles))
    return figures


def _items(events: pl.DataFrame) -> pl.DataFrame:
    """Count the events in groups of items, by the hash of their ids: column, bin, rows."""
    counts = events[ITEM_ID].value_counts(name=ROWS)
    groups = pl.Series(BIN, hash_ids(counts[ITEM_ID]) % _ITEM_GROUPS).cast(pl.String)
    return counts.select(pl.lit(ITEM).alias(COLUMN), groups, pl.col(ROWS).cast(pl.Int64)).group_by(COLUMN, BIN).sum()


def _columns(stability: pl.DataFrame) -> Iterator[Figure]:
    for row in stability.iter_rows(named=True):
        yield Figure(PSI, max(row[PSI] - row["noise"], 0.0), segment=row[COLUMN])
        yield Figure(MISSING, row["missing_after"], segment=row[COLUMN])
