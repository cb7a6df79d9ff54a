"""Interactions in source order, and ids and scored events as indices."""

from typing import Final

import polars as pl
from polars.selectors import by_name

from nightschool.columns import (
    BOT_EVENT,
    EVENT,
    INSTANT,
    ITEM_ID,
    ITEM_INDEX,
    NEGATIVE,
    RELEVANT,
    SCORE,
    SOURCE_FILE,
    SOURCE_ROW,
    TIMESTAMP,
    USER_ID,
    USER_INDEX,
)
from nightschool.data.readers.source_format import Names
from nightschool.data.signals import Signal
from nightschool.hashing import order_ids

SCORED: Final = {USER_INDEX: pl.Int32(), ITEM_INDEX: pl.Int32(), SCORE: pl.Float32(), TIMESTAMP: INSTANT}
EVENTS: Final = pl.Schema({**SCORED, RELEVANT: pl.Boolean(), NEGATIVE: pl.Boolean(), BOT_EVENT: pl.Boolean()})


def in_source_order(interactions: pl.LazyFrame, signal: Signal, contexts: Names) -> pl.DataFrame:
    """Select what a row is scored by and its contexts, in the order of the source files.

    A long log needs narrow columns: what repeats is categorical. A context that the table lacks, as it was declared
    after the last row came in, is null.
    """
    needed = (USER_ID, ITEM_ID, TIMESTAMP, *signal.scored_by)
    present = interactions.collect_schema().names()
    lacking = [pl.lit(None, pl.String).alias(name) for name in contexts if name not in present]
    repeated = by_name(SOURCE_FILE, EVENT, *contexts, require_all=False).cast(pl.Categorical)
    rows = interactions.with_columns(lacking).select(*needed, *contexts, SOURCE_FILE, SOURCE_ROW).with_columns(repeated)
    return rows.sort(SOURCE_FILE, SOURCE_ROW).select(*needed, *contexts).collect()


def index_ids(table: pl.DataFrame | None, interacted: pl.Series, key: str) -> pl.DataFrame:
    """Return the table's rows in index order, with rows of nulls for ids that only interactions name."""
    if table is None:
        return order_ids(interacted).to_frame()
    ids = order_ids(pl.concat([table[key], interacted]))
    return ids.to_frame().join(table, on=key, how="left", maintain_order="left")


def index_events(scored: pl.DataFrame, user_ids: pl.Series, item_ids: pl.Series, contexts: Names) -> pl.DataFrame:
    """Replace the ids of scored rows by their indices; the columns of `EVENTS`, then the contexts."""
    users = user_ids.to_frame().with_row_index(USER_INDEX)
    items = item_ids.to_frame().with_row_index(ITEM_INDEX)
    found = scored.join(users, on=USER_ID, how="left", maintain_order="left").join(
        items, on=ITEM_ID, how="left", maintain_order="left"
    )
    return found.select(*(pl.col(name).cast(dtype) for name, dtype in EVENTS.items()), *contexts)
