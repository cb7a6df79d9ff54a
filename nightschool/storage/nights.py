"""The table of nights: every try from its begin to its end, and the expected ones that never began."""

import fcntl
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, Self

import polars as pl
from pydantic import BaseModel, ConfigDict

from nightschool.columns import NIGHTS
from nightschool.settings import HomePaths
from nightschool.storage.lake import Lake

KEPT: Final = timedelta(days=400)
PERIOD: Final = timedelta(hours=24)
TOLERANCE: Final = timedelta(hours=2)
"""How much later than a day after the one before a night may be planned without a day being missed."""

RUNNING: Final = "running"
DIED: Final = "died"
MISSED: Final = "missed"
BUSY: Final = "busy"

_MANY_FILES = 64


class NightRow(BaseModel):
    """One try of a night in its latest state.

    Attributes:
        night_id: The try's own id; empty for a missed night.
        flow_run_id: The Prefect flow run; empty where there was none.
        scheduled_for: When the schedule planned it; None for a try that a person started.
        as_of: T as it was asked for, and once it is known, the T that the night saw.
        started_at: When the try began; None for a missed night.
        ended_at: When it ended; None while it runs, and for good when its process died.
        outcome: What became of it.
        exit_code: The exit code that the command line ends with; None without an end.
        reason: The error in one line, or what the report says.
        release_id: The release that it published, or would have.
        rows: What became of the source rows, by table.
        newest_event: The newest timestamp among the interactions.
        stages: {stage: {"seconds": …, "cpu_seconds": …, "gigabytes": …}}, the last being the most memory while it ran.
    """

    model_config = ConfigDict(frozen=True)

    night_id: str = ""
    flow_run_id: str = ""
    scheduled_for: datetime | None = None
    as_of: datetime | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    outcome: str = RUNNING
    exit_code: int | None = None
    reason: str = ""
    release_id: str = ""
    rows: dict[str, Any] = {}
    newest_event: datetime | None = None
    stages: dict[str, dict[str, float]] = {}

    @property
    def at(self) -> datetime:
        """When it began, or should have."""
        return self.started_at or self.scheduled_for or datetime.min.replace(tzinfo=UTC)

    @property
    def seconds(self) -> float | None:
        """Return how long it took; None without an end."""
        if self.started_at is None or self.ended_at is None:
            return None
        return (self.ended_at - self.started_at).total_seconds()

    @property
    def succeeded(self) -> bool:
        """Return whether it ended with exit code 0."""
        return self.exit_code == 0


class Nights:
    """The nights of one home. Tries only append rows, so that one that found the home locked leaves rows too.

    Whether a try without an end still runs is said by a lock file of its own, which the kernel frees with its process.
    """

    def __init__(self, lake: Lake, tries: Path) -> None:
        self.lake = lake
        self.tries = tries

    @classmethod
    def of(cls, paths: HomePaths) -> Self:
        """Return the nights of the home at these paths, which need not be bound to a dataset."""
        return cls(Lake(paths.lake, pl.Int64(), pl.Int64()), paths.tries)

    def append(self, row: NightRow) -> None:
        """Add the try's begin, or its end, in one commit."""
        record = row.model_dump() | {name: json.dumps(getattr(row, name)) for name in ("rows", "stages")}
        self.lake.append(NIGHTS, pl.DataFrame([record], schema=self.lake.schema(NIGHTS)))

    def all(self) -> list[NightRow]:
        """Return every try, the newest first, each as its last row has it."""
        ended_last = self.lake.scan(NIGHTS).sort("ended_at", nulls_last=False)
        rows = (
            ended_last.unique("night_id", keep="last", maintain_order=True)
            .sort("started_at", descending=True)
            .collect()
        )
        return [self._judged(row) for row in rows.iter_rows(named=True)]

    def trim(self, now: datetime) -> None:
        """Remove tries older than 400 days, and join the table's many small files."""
        if not self.lake.exists(NIGHTS):
            return
        old = self.lake.scan(NIGHTS).filter(pl.col("started_at") < now - KEPT).select("night_id").unique().collect()
        if old.height:
            self.lake.delete(NIGHTS, pl.col("night_id").is_in(old["night_id"].implode()))
        self.lake.compact(NIGHTS, _MANY_FILES)

    @contextmanager
    def running(self, night_id: str) -> Iterator[None]:
        """Mark the try as running for the length of the block, or until its process dies."""
        self.tries.mkdir(parents=True, exist_ok=True)
        self._remove_dead()
        path, unlocked = self.tries / night_id, self.tries / f".{night_id}"
        descriptor = os.open(unlocked, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Only now: another try removes the files of this folder that are not locked.
            unlocked.rename(path)
            yield
        finally:
            path.unlink(missing_ok=True)
            os.close(descriptor)

    def _judged(self, record: dict[str, Any]) -> NightRow:
        parsed = {name: json.loads(record[name] or "{}") for name in ("rows", "stages")}
        row = NightRow.model_validate({**record, **parsed})
        if row.ended_at is not None or _is_locked(self.tries / row.night_id):
            return row
        return row.model_copy(update={"outcome": DIED, "reason": "its process ended without saying why"})

    def _remove_dead(self) -> None:
        for path in self.tries.glob("[!.]*"):
            if not _is_locked(path):
                path.unlink(missing_ok=True)


def last_ended(rows: Sequence[NightRow]) -> NightRow | None:
    """Return the newest night that has ended or died; tries that found the home locked were no nights."""
    return next((row for row in rows if row.outcome not in {RUNNING, BUSY, MISSED}), None)


def missed(rows: Sequence[NightRow], now: datetime) -> list[NightRow]:
    """Return one row for each day on which no night was planned although the days before had one, newest first.

    The days follow the last planned night before the gap. Nights that people started do not count.
    """
    planned = sorted(row.scheduled_for for row in rows if row.scheduled_for is not None)
    expected = [instant for before, after in pairwise([*planned, now]) for instant in _between(before, after)]
    return [NightRow(scheduled_for=instant, outcome=MISSED, reason="no try began") for instant in reversed(expected)]


def with_missed(rows: Sequence[NightRow], now: datetime) -> list[NightRow]:
    """Return the tries and the missed nights together, the newest first."""
    return sorted([*rows, *missed(rows, now)], key=lambda row: row.at, reverse=True)


def _between(before: datetime, after: datetime) -> Iterator[datetime]:
    expected = before + PERIOD
    while expected + TOLERANCE < after:
        yield expected
        expected += PERIOD


def _is_locked(path: Path) -> bool:
    with suppress(FileNotFoundError):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            # Shared, so that two readers do not take each other for the night.
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(descriptor)
    return False
