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
    AVAILABLE_AT,
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
from nightschool.data.filters import Elsewhere, Filtered, Rules, filter_events
from nightschool.data.indexing import EVENTS, SCORED
from nightschool.data.readers.source_format import Names
from nightschool.data.signals import Signal, decay, merge_repeats
from nightschool.item_columns import ItemColumns

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

    def dataset(
        self, mask: Mask | None = None, at: datetime | None = None, elsewhere: Elsewhere | None = None
    ) -> Dataset:
        """Build the dataset of the masked events (None: all known ones), as seen from an instant (None: now).

        These events alone decide which of them may be learned from, and how much old ones still count, unless
        `elsewhere` knows of the events of users who are not in this log.

        Raises:
            DataRefused: The rules leave too little to learn from.
        """
        events = self.rows(self.known if mask is None else mask)
        shape = (self.empty.n_users, self.empty.n_items)
        if elsewhere is None:
            found = filter_events(events, shape, self.rules)
        else:
            found = elsewhere.filter(events, shape[0], self.rules)
        if self.rules.half_life_days is not None:
            events = decay(events, self.rules.half_life_days, elsewhere.newest if elsewhere else None)
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
        learned = found.teaches(pairs) & ~unrated.to_numpy()
        return replace(seen, learned=None if learned.all() else learned, set_aside=bots)

    def split(
        self,
        name: str,
        protocol: str,
        fitted: Mask,
        held_out: Mask,
        at: datetime | None,
        elsewhere: Elsewhere | None = None,
    ) -> Split:
        """Split into the dataset of the `fitted` events and those merged pairs of the `held_out` ones that it lacks.

        Nothing is held out of users that the fitted events set aside. The candidates are the catalogue at the instant;
        without one, whatever was in the catalogue up to T.
        """
        dataset = self.dataset(fitted, at, elsewhere)
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
        self.save_items(directory)
        self.save_users(directory)

    def save_users(self, directory: Path) -> None:
        """Write the users and their events below a directory, which is created if missing."""
        directory.mkdir(parents=True, exist_ok=True)
        departed = [] if self.empty.departed is None else [pl.Series(WITHDRAWN, self.empty.departed)]
        self.empty.users.with_columns(departed).write_parquet(directory / _FILES["users"])
        self.events.write_parquet(directory / _FILES["events"])

    def save_items(self, directory: Path) -> None:
        """Write the items, and what is true of all events, below a directory, which is created if missing."""
        directory.mkdir(parents=True, exist_ok=True)
        header = LogHeader(
            signal=self.signal,
            item_columns=self.empty.item_columns,
            audience=self.empty.audience,
            n_given=self.n_given,
            rules=self.rules,
            as_of=self.as_of,
            ordered=self.ordered,
            timezone=self.timezone,
        )
        ends = (self.item_available_at.alias(AVAILABLE_AT), self.item_until.alias(UNTIL))
        items = self.empty.items.with_columns(ends)
        items.write_parquet(directory / _FILES["items"])
        (directory / _FILES["header"]).write_text(header.model_dump_json(indent=1), encoding="utf-8")

    @classmethod
    def load(cls, directory: Path, users_in: Path | None = None) -> Self:
        """Load the log that `save` wrote; its users and events may lie in another directory."""
        header = LogHeader.model_validate_json((directory / _FILES["header"]).read_text(encoding="utf-8"))
        users, items, events = (
            pl.read_parquet((directory if name == "items" else users_in or directory) / _FILES[name], glob=False)
            for name in ("users", "items", "events")
        )
        empty = empty_dataset(users, items, header)
        log = cls(empty, events, items[AVAILABLE_AT], items[UNTIL], header.signal, header.n_given, header.rules)
        return replace(log, as_of=header.as_of, ordered=header.ordered, timezone=header.timezone)

    def rows(self, mask: Mask) -> pl.DataFrame:
        """Return the masked events, without a copy if that is all of them."""
        return self.events if mask.all() else self.events.filter(pl.Series(mask))


class LogHeader(BaseModel):
    """What is true of all events of a log."""

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


def empty_dataset(users: pl.DataFrame, items: pl.DataFrame, header: LogHeader) -> Dataset:
    """Return the dataset of some users and items, with what their tables say and without any interaction."""
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
