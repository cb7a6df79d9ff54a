"""Everything known at one instant: a log of scored events over fixed indices, from which splits are cut."""

from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Literal, Self

import numpy as np
import polars as pl
from pydantic import BaseModel, ConfigDict

from nightschool.columns import (
    ALWAYS,
    AVAILABLE_AT,
    INSTANT,
    ITEM_ID,
    ITEM_INDEX,
    NEGATIVE,
    POSITION,
    RELEVANT,
    SCORE,
    TEXT,
    TIMESTAMP,
    TITLE,
    UNTIL,
    USER_ID,
    USER_INDEX,
    WITHDRAWN,
)
from nightschool.contract import Dataset, Mask, Split
from nightschool.data.filters import Filtered, Rules, filter_events
from nightschool.data.indexing import EVENTS, SCORED, index_events, index_ids, with_contexts
from nightschool.data.manifest.manifest import Manifest
from nightschool.data.readers.source_format import Names
from nightschool.data.signals import Signal, decay, merge_repeats, score_events, signal_of
from nightschool.data.source_order import in_source_order, sequence_columns
from nightschool.errors import DataRefused
from nightschool.item_columns import TEXT_VECTOR, ItemColumns

_PAIRS = {**SCORED, POSITION: pl.Int32()}
_FILES = {"users": "users.parquet", "items": "items.parquet", "events": "events.parquet", "header": "log.json"}


@dataclass(frozen=True, eq=False)
class EventLog:
    """Scored events in one index space, and the rule by which a pair's repeats merge.

    Attributes:
        empty: The dataset without any interaction; all its users and items.
        events: user_index, item_index, score, timestamp, relevant, negative, bot_event, and a column of labels a
            declared context; in source order, the given hold-out last.
        item_available_at: When each item became available, by item index; null: not in the catalogue.
        item_until: From when on each item is no longer available, by item index; null: no end is known.
        signal: How interactions are scored and merged.
        n_given: How many of the last events are the manifest's hold-out, which nothing may learn from.
        rules: How much of a history is learned from.
        as_of: T, the instant of the snapshot; None: after everything that is known.
        ordered: Whether a user's events without times stand in the order of time.
        timezone: The zone in which hour and weekday are read.
        notes: What of the items could not be read as the manifest says, in words; not saved.
    """

    empty: Dataset
    events: pl.DataFrame
    item_available_at: pl.Series
    item_until: pl.Series
    signal: Signal
    n_given: int = 0
    rules: Rules = Rules()
    as_of: datetime | None = None
    ordered: bool = False
    timezone: str = "UTC"
    notes: tuple[str, ...] = ()

    @cached_property
    def known(self) -> Mask:
        """bool[n_events], the events that may be learned from: all but the given hold-out."""
        return np.arange(self.events.height) < self.events.height - self.n_given

    @property
    def contexts(self) -> Names:
        """The declared contexts of the events."""
        return tuple(name for name in self.events.columns if name not in EVENTS)

    @property
    def has_time(self) -> bool:
        """Whether most of the events that may be learned from have a timestamp: some sent ones give a log no time."""
        n_known = self.events.height - self.n_given
        return 2 * self.events[TIMESTAMP].head(n_known).count() > n_known

    def available(self, at: datetime | None) -> Mask:
        """Return bool[n_items], the catalogue at an instant; None: at T."""
        return self._passed(self.item_available_at, at) & ~self._passed(self.item_until, at)

    def ended(self, at: datetime | None) -> Mask | None:
        """Return bool[n_items], what was in the catalogue before an instant (None: T) and is not now; None: nothing."""
        over = self._passed(self.item_available_at, at) & self._passed(self.item_until, at)
        return over if over.any() else None

    def _passed(self, instants: pl.Series, at: datetime | None) -> Mask:
        """Return bool[n], which instants lie at or before another one (None: T); a null never does."""
        at = self.as_of if at is None else at
        passed = instants.is_not_null() if at is None else (instants <= at).fill_null(value=False)
        return passed.to_numpy().copy()

    def dataset(self, mask: Mask | None = None, at: datetime | None = None) -> Dataset:
        """Build the dataset of the masked events (None: all known ones), as seen from an instant (None: now).

        These events alone decide which of them may be learned from, and how much old ones still count.

        Raises:
            DataRefused: The rules leave too little to learn from.
        """
        events = self.rows(self.known if mask is None else mask)
        found = filter_events(events, (self.empty.n_users, self.empty.n_items), self.rules)
        if self.rules.half_life_days is not None:
            events = decay(events, self.rules.half_life_days)
        pairs = merge_repeats(events, self.signal, self.contexts).drop(RELEVANT)
        unrated = pairs[SCORE].is_null()
        if unrated.any():
            # Seen, and no more: a score of 0 says neither yes nor no.
            pairs = pairs.with_columns(pl.col(SCORE).fill_null(0.0))
        seen = replace(self.empty, interactions=pairs, available=self.available(at), ended=self.ended(at))
        if found is None and not unrated.any():
            return seen
        found = found or Filtered.everything((self.empty.n_users, self.empty.n_items))
        bots = found.bots if found.bots.any() else None
        return replace(seen, learned=found.teaches(pairs) & ~unrated.to_numpy(), set_aside=bots)

    def split(self, name: str, protocol: str, fitted: Mask, held_out: Mask, at: datetime | None) -> Split:
        """Split into the dataset of the `fitted` events and those merged pairs of the `held_out` ones that it lacks.

        Nothing is held out of users that the fitted events set aside. The candidates are the catalogue at the instant;
        without one, whatever was in the catalogue up to T.
        """
        dataset = self.dataset(fitted, at)
        if at is None and dataset.ended is not None:
            # Without a common instant, what has ended since was there when its events were.
            dataset = replace(dataset, available=dataset.available | dataset.ended, ended=None)
        pairs = merge_repeats(self.rows(held_out), self.signal, self.contexts).join(
            dataset.interactions, on=[USER_INDEX, ITEM_INDEX], how="anti", maintain_order="left"
        )
        pairs = pairs.filter(pl.col(SCORE).is_not_null())
        if dataset.set_aside is not None:
            pairs = pairs.filter(pl.Series(~dataset.set_aside[pairs[USER_INDEX].to_numpy()]))
        return Split(name, protocol, dataset, pairs.select(*SCORED, RELEVANT, *self.contexts))

    def with_all_relevant(self) -> Self:
        """Return the log with every pair relevant, whatever the manifest says, except those the user dislikes."""
        return replace(self, events=self.events.with_columns((~pl.col(NEGATIVE)).alias(RELEVANT)))

    def save(self, directory: Path) -> None:
        """Write the log as parquet and JSON below a directory, which is created if missing."""
        directory.mkdir(parents=True, exist_ok=True)
        header = _Header(
            signal=self.signal,
            item_columns=self.empty.item_columns,
            audience=self.empty.audience,
            n_given=self.n_given,
            rules=self.rules,
            as_of=self.as_of,
            ordered=self.ordered,
            timezone=self.timezone,
        )
        departed = [] if self.empty.departed is None else [pl.Series(WITHDRAWN, self.empty.departed)]
        self.empty.users.with_columns(departed).write_parquet(directory / _FILES["users"])
        ends = (self.item_available_at.alias(AVAILABLE_AT), self.item_until.alias(UNTIL))
        items = self.empty.items.with_columns(ends)
        items.write_parquet(directory / _FILES["items"])
        self.events.write_parquet(directory / _FILES["events"])
        (directory / _FILES["header"]).write_text(header.model_dump_json(indent=1), encoding="utf-8")

    @classmethod
    def load(cls, directory: Path) -> Self:
        """Load the log that `save` wrote."""
        header = _Header.model_validate_json((directory / _FILES["header"]).read_text(encoding="utf-8"))
        users, items, events = (
            pl.read_parquet(directory / _FILES[name], glob=False) for name in ("users", "items", "events")
        )
        empty = _empty_dataset(users, items, header)
        log = cls(empty, events, items[AVAILABLE_AT], items[UNTIL], header.signal, header.n_given, header.rules)
        return replace(log, as_of=header.as_of, ordered=header.ordered, timezone=header.timezone)

    def rows(self, mask: Mask) -> pl.DataFrame:
        """Return the masked events, without a copy if that is all of them."""
        return self.events if mask.all() else self.events.filter(pl.Series(mask))


class _Header(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal[1] = 1
    signal: Signal
    item_columns: ItemColumns
    audience: str | None
    n_given: int
    rules: Rules = Rules()
    as_of: datetime | None = None
    ordered: bool = False
    timezone: str = "UTC"


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
    header = _Header(
        signal=signal,
        item_columns=ItemColumns() if items is None else _item_columns(manifest, items),
        audience=None if users is None else manifest.audience,
        n_given=rows.height - known.height,
        ordered=any(part.ordered for part in manifest.interactions),
        timezone=manifest.timezone,
    )
    events = index_events(score_events(rows, signal), user_frame[USER_ID], item_frame[ITEM_ID], contexts)
    item_frame = _with_availability(item_frame, events.head(known.height), declared=items)
    empty = _empty_dataset(user_frame, item_frame, header)
    instants = (item_frame[AVAILABLE_AT], item_frame[UNTIL])
    log = EventLog(empty, events, *instants, signal, header.n_given)
    return replace(log, ordered=header.ordered, timezone=header.timezone)


def _item_columns(manifest: Manifest, items: pl.DataFrame) -> ItemColumns:
    declared = manifest.item_columns
    encoded = (TEXT_VECTOR,) if TEXT_VECTOR in items.columns else ()
    return replace(declared, vectors=(*declared.vectors, *encoded))


def _with_availability(items: pl.DataFrame, known: pl.DataFrame, *, declared: pl.DataFrame | None) -> pl.DataFrame:
    """Return the items with until and available_at: their table's or their first known event, whichever came first."""
    first_use = known.group_by(pl.col(ITEM_INDEX).cast(pl.UInt32)).agg(pl.col(TIMESTAMP).fill_null(ALWAYS).min())
    placed = items.with_row_index(ITEM_INDEX).join(first_use, on=ITEM_INDEX, how="left", maintain_order="left")
    earliest = pl.col(TIMESTAMP)
    if declared is not None:
        # In no declared catalogue, not available: a null there must win over the first use.
        earliest = pl.when(pl.col(AVAILABLE_AT).is_not_null()).then(pl.min_horizontal(AVAILABLE_AT, TIMESTAMP))
    endless = [] if UNTIL in items.columns else [pl.lit(None, INSTANT).alias(UNTIL)]
    return placed.with_columns(earliest.alias(AVAILABLE_AT), *endless).drop(ITEM_INDEX, TIMESTAMP)


def _empty_dataset(users: pl.DataFrame, items: pl.DataFrame, header: _Header) -> Dataset:
    described = items.drop(AVAILABLE_AT, UNTIL, WITHDRAWN, strict=False)
    departed = users[WITHDRAWN].fill_null(value=False).to_numpy().copy() if WITHDRAWN in users.columns else None
    missing = [pl.lit(None, pl.String).alias(name) for name in (TITLE, TEXT) if name not in described.columns]
    described = described.with_columns(missing)
    return Dataset(
        user_ids=users[USER_ID],
        item_ids=items[ITEM_ID],
        interactions=pl.Schema(_PAIRS).to_frame(),
        users=users.drop(AVAILABLE_AT, WITHDRAWN, strict=False),
        items=described,
        available=items[AVAILABLE_AT].is_not_null().to_numpy().copy(),
        item_columns=header.item_columns,
        score_range=header.signal.score_range,
        audience=header.audience,
        departed=departed if departed is not None and departed.any() else None,
        ordered=header.ordered,
    )
