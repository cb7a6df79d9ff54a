"""Building the log of everything known from the tables of users, items and interactions."""

from dataclasses import replace

import polars as pl

from nightschool.columns import ALWAYS, AVAILABLE_AT, INSTANT, ITEM_ID, ITEM_INDEX, TIMESTAMP, UNTIL, USER_ID
from nightschool.data.dataset import EventLog, LogHeader, empty_dataset
from nightschool.data.indexing import index_events, index_ids, with_contexts
from nightschool.data.manifest.manifest import Manifest
from nightschool.data.signals import score_events, signal_of
from nightschool.data.source_order import in_source_order, sequence_columns
from nightschool.errors import DataRefused
from nightschool.item_columns import TEXT_VECTOR, ItemColumns


def build_event_log(
    users: pl.DataFrame | None,
    items: pl.DataFrame | None,
    interactions: pl.DataFrame | pl.LazyFrame,
    manifest: Manifest,
    *,
    held_out: pl.DataFrame | None = None,
) -> EventLog:
    """Build the log of everything known from tables as they were known at one instant.

    Every user and item of any table gets an index. One that only the interactions name has null attributes. An item is
    available from its table's instant or its first event, whichever came first; one that a declared items table does
    not hold, or that only the hold-out names, is never available.

    Args:
        users: The users table; None where the manifest declares none.
        items: The items table; likewise.
        interactions: The interactions table.
        manifest: How the dataset is scored and described.
        held_out: The manifest's given test, in the interactions' columns.

    Raises:
        DataRefused: There are no interactions.
    """
    signal = signal_of(manifest)
    contexts = manifest.contexts
    needed = [USER_ID, ITEM_ID, TIMESTAMP, *signal.scored_by, *contexts]
    first = sequence_columns(manifest)
    known = in_source_order(with_contexts(interactions.lazy(), contexts), first, needed)
    if known.is_empty():
        raise DataRefused(
            "No interactions are known at this instant", seen=0, do="ingest some, or ask for a later instant"
        )
    rows = known
    if held_out is not None:
        rows = pl.concat([known, in_source_order(with_contexts(held_out.lazy(), contexts), first, needed)])
    user_frame = index_ids(users, rows[USER_ID], USER_ID)
    item_frame = index_ids(items, rows[ITEM_ID], ITEM_ID)
    header = header_of(manifest, users, items, n_given=rows.height - known.height)
    events = index_events(score_events(rows, signal), user_frame[USER_ID], item_frame[ITEM_ID], contexts)
    item_frame = with_availability(item_frame, first_uses(events.head(known.height)), declared=items)
    empty = empty_dataset(user_frame, item_frame, header)
    instants = (item_frame[AVAILABLE_AT], item_frame[UNTIL])
    log = EventLog(empty, events, *instants, signal, header.n_given)
    return replace(log, ordered=header.ordered, timezone=header.timezone)


def header_of(
    manifest: Manifest, users: pl.DataFrame | None, items: pl.DataFrame | None, *, n_given: int = 0
) -> LogHeader:
    """Return what is true of all events of a manifest's log; the tables are those that `build_event_log` gets."""
    return LogHeader(
        signal=signal_of(manifest),
        item_columns=ItemColumns() if items is None else _item_columns(manifest, items),
        audience=None if users is None else manifest.audience,
        n_given=n_given,
        ordered=any(part.ordered for part in manifest.interactions),
        timezone=manifest.timezone,
    )


def first_uses(events: pl.DataFrame) -> pl.DataFrame:
    """Return the time of each item's first event: item_index, timestamp."""
    return events.group_by(pl.col(ITEM_INDEX).cast(pl.UInt32)).agg(pl.col(TIMESTAMP).fill_null(ALWAYS).min())


def _item_columns(manifest: Manifest, items: pl.DataFrame) -> ItemColumns:
    declared = manifest.item_columns
    encoded = (TEXT_VECTOR,) if TEXT_VECTOR in items.columns else ()
    return replace(declared, vectors=(*declared.vectors, *encoded))


def with_availability(items: pl.DataFrame, first_use: pl.DataFrame, *, declared: pl.DataFrame | None) -> pl.DataFrame:
    """Return the items with until and available_at: their table's or their first known event, whichever came first.

    Args:
        items: The items by index.
        first_use: What `first_uses` found.
        declared: The items table; None where the manifest declares none.
    """
    placed = items.with_row_index(ITEM_INDEX).join(first_use, on=ITEM_INDEX, how="left", maintain_order="left")
    earliest = pl.col(TIMESTAMP)
    if declared is not None:
        # In no declared catalogue, not available: a null there must win over the first use.
        earliest = pl.when(pl.col(AVAILABLE_AT).is_not_null()).then(pl.min_horizontal(AVAILABLE_AT, TIMESTAMP))
    endless = [] if UNTIL in items.columns else [pl.lit(None, INSTANT).alias(UNTIL)]
    return placed.with_columns(earliest.alias(AVAILABLE_AT), *endless).drop(ITEM_INDEX, TIMESTAMP)
