"""A log in parts of some users each, on a disk that driver and executors share."""

import os
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Final, Literal

import numpy as np
import polars as pl
from pydantic import BaseModel, ConfigDict

from nightschool.columns import USER_INDEX, WITHDRAWN
from nightschool.contract import Dataset, Split
from nightschool.data.dataset import EventLog
from nightschool.data.filters import Elsewhere
from nightschool.data.splits.splitting import TEST, TRAIN, VALIDATION, Cut, Plan
from nightschool.storage.durable import replacing

View = Literal["test", "everything"]
"""What recipes are fitted to: train and validation, with the test held out; or everything that is known."""

_SUMMARY: Final = "parts.json"


class Parts(BaseModel):
    """Where the parts are, and what they need to know of each other.

    Each holds the users whose ids hash to one range, so that user indices follow one another over all parts.

    Attributes:
        folder: The folder of the parts.
        users: Users of each part.
        events: Events of each part.
        plan: How the events are cut.
        seed: The night's seed.
        newest: View to the time of the newest event to learn from; None where none has one.
    """

    model_config = ConfigDict(frozen=True)

    folder: Path
    users: tuple[int, ...]
    events: tuple[int, ...]
    plan: Plan
    seed: int
    newest: dict[View, datetime | None] = {}

    def __len__(self) -> int:
        return len(self.users)

    @property
    def firsts(self) -> list[int]:
        """The index of each part's first user among all."""
        return [0, *np.cumsum(self.users)[:-1].tolist()]

    @property
    def n_users(self) -> int:
        """Users of all parts."""
        return sum(self.users)

    def save(self) -> None:
        """Write the summary, from which executors load it."""
        with replacing(self.folder / _SUMMARY) as draft:
            draft.write_text(self.model_dump_json(), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> "Parts":
        """Load what `save` wrote."""
        return cls.model_validate_json((folder / _SUMMARY).read_bytes())

    def items(self) -> EventLog:
        """Return the log of all items, without users and events."""
        return _items(self.folder)

    def log(self, part: int) -> EventLog:
        """Return the log of a part."""
        return EventLog.load(items_folder(self.folder), part_folder(self.folder, part))

    def user_frame(self) -> pl.DataFrame:
        """Return the attributes of all users, in the order of their index."""
        files = (part_folder(self.folder, part) / "users.parquet" for part in range(len(self)))
        return pl.concat([pl.read_parquet(file, glob=False) for file in files]).drop(WITHDRAWN, strict=False)

    def cut(self, log: EventLog) -> Cut:
        """Cut the log of some users as all are cut."""
        return self.plan.label(log, self.seed)

    def elsewhere(self, view: View) -> Elsewhere:
        """Return what a part must know of the others before it says what is learned from."""
        return Elsewhere(self.newest[view], np.load(items_mask(self.folder, view), allow_pickle=False))

    def test(self, part: int) -> Split:
        """Return the test split of a part."""
        log = self.log(part)
        cut = self.cut(log)
        parts = cut.part(TRAIN, VALIDATION), cut.part(TEST)
        return log.split("test", cut.protocol, *parts, cut.test_from, self.elsewhere("test"))

    def dataset(self, part: int, view: View) -> Dataset:
        """Return what is learned from in a part."""
        if view == "test":
            return self.test(part).fitted
        return self.log(part).dataset(elsewhere=self.elsewhere(view))

    def sample(self, most: int) -> EventLog:
        """Return the log of all users, or of the first ones, who are a random sample, with so many events at most."""
        logs: list[EventLog] = []
        events = 0
        for part in range(len(self)):
            log = self.log(part)
            whole = events + log.events.height <= most
            logs.append(log if whole else _first_users(log, most - events, least=not logs))
            events += log.events.height
            if not whole:
                break
        return _joined(logs)


def part_folder(folder: Path, part: int) -> Path:
    """Return the folder of a part."""
    return folder / f"part-{part:05}"


def items_folder(folder: Path) -> Path:
    """Return the folder of what all parts share."""
    return folder / "items"


def items_mask(folder: Path, view: View) -> Path:
    """Return the file that says which items have enough events."""
    return items_folder(folder) / f"{view}.npy"


def write_rows(frame: pl.DataFrame, file: Path, rows_a_group: int | None = None) -> None:
    """Write a Parquet file whole or not at all, as a task does that may be tried twice at the same time."""
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    frame.write_parquet(draft, row_group_size=rows_a_group)
    draft.replace(file)


@lru_cache(maxsize=1)
def _items(folder: Path) -> EventLog:
    return EventLog.load(items_folder(folder), items_folder(folder))


def _first_users(log: EventLog, most: int, *, least: int) -> EventLog:
    """Return the log of the first users, whose events are so many at most; of so many users at least."""
    counts = np.bincount(log.events[USER_INDEX].to_numpy(), minlength=log.empty.n_users)
    n_users = max(least, int(np.searchsorted(np.cumsum(counts), most, side="right")))
    empty, users = log.empty, slice(0, n_users)
    departed = None if empty.departed is None else empty.departed[users]
    few = replace(empty, user_ids=empty.user_ids[users], users=empty.users[users], departed=departed)
    return replace(log, empty=few, events=log.events.filter(pl.col(USER_INDEX) < n_users))


def _joined(logs: list[EventLog]) -> EventLog:
    first, firsts = logs[0], np.cumsum([0, *(log.empty.n_users for log in logs)])
    if len(logs) == 1:
        return first
    moved = [
        log.events.with_columns((pl.col(USER_INDEX) + int(start)).cast(pl.Int32))
        for log, start in zip(logs, firsts, strict=False)
    ]
    departed = [
        np.zeros(log.empty.n_users, dtype=bool) if log.empty.departed is None else log.empty.departed for log in logs
    ]
    empty = replace(
        first.empty,
        user_ids=pl.concat([log.empty.user_ids for log in logs]),
        users=pl.concat([log.empty.users for log in logs]),
        departed=np.concatenate(departed) if any(each.any() for each in departed) else None,
    )
    return replace(first, empty=empty, events=pl.concat(moved))
