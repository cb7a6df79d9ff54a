"""Ids, scored events and contexts as indices and columns of a log."""

from typing import Final

import polars as pl

from nightschool.columns import (
    BOT_EVENT,
    INSTANT,
    ITEM_ID,
    ITEM_INDEX,
    NEGATIVE,
    RELEVANT,
    SCORE,
    TIMESTAMP,
    USER_ID,
    USER_INDEX,
)
from nightschool.data.readers.source_format import Names
from nightschool.hashing import order_ids

SCORED: Final = {USER_INDEX: pl.Int32(), ITEM_INDEX: pl.Int32(), SCORE: pl.Float32(), TIMESTAMP: INSTANT}
EVENTS: Final = pl.Schema({**SCORED, RELEVANT: pl.Boolean(), NEGATIVE: pl.Boolean(), BOT_EVENT: pl.Boolean()})


def with_contexts(interactions: pl.LazyFrame, contexts: Names) -> pl.LazyFrame:
    """Add the contexts that the table lacks, declared since its last row came in, as nulls; all are categorical."""
    present = interactions.collect_schema().names()
    lacking = [pl.lit(None, pl.String).alias(name) for name in contexts if name not in present]
    return interactions.with_columns(lacking).with_columns(pl.col(contexts).cast(pl.Categorical))


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
