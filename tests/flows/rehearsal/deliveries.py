"""A small made-up learning platform whose events are delivered as one file a day, and the ledger of what was sent."""

import gzip
import os
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl

FIRST_DAY = date(2025, 3, 1)
HISTORY_DAYS = 60
N_USERS, N_ITEMS, N_TOPICS = 250, 80, 5
PER_DAY = 150
EVENTS = {"view": 0.7, "complete": 0.2, "like": 0.1}
COLUMNS = ("event_id", "user_id", "item_id", "timestamp", "event")
ARRIVAL, NIGHT = time(1, tzinfo=UTC), time(2, tzinfo=UTC)
"""When files arrive and when the night begins."""

Event = tuple[str, str, datetime, str]
"""User, item, time and type of an event."""

_MANIFEST = """
name = "rehearsal"
score = "events"
history = false

[interactions]
files = ["events/"]
user = "user_id"
item = "item_id"
timestamp = {{ column = "timestamp", unit = "iso" }}
event = "event"
{event_id}

[items]
files = ["items.csv"]
id = "item_id"
title = "title"
text = ["title"]
categories = ["topic"]

[users]
files = ["users.csv"]
id = "user_id"
attributes = ["department"]
"""


def user(number: int) -> str:
    """Return the id of a user."""
    return f"u{number:03}"


def item(number: int) -> str:
    """Return the id of an item."""
    return f"i{number:03}"


class Sources(NamedTuple):
    """Where a night finds its manifest and its files."""

    manifest: Path
    root: Path


@dataclass
class Platform:
    """Who uses the platform and what it offers; users of a department prefer one topic."""

    users: list[int] = field(default_factory=lambda: list(range(N_USERS)))
    items: list[int] = field(default_factory=lambda: list(range(N_ITEMS)))

    def events(self, day: date, n: int = PER_DAY) -> pl.DataFrame:
        """Return a day's events in time order, the same whenever they are asked for; no two in one second."""
        rng = np.random.default_rng(day.toordinal())
        users, items = np.array(self.users), np.array(self.items)
        chosen = rng.choice(users, n)
        at_random = rng.choice(items, n)
        # Of ten events, eight are on the topic of the user's department; lower numbers are more popular.
        topical = N_TOPICS * (N_ITEMS // N_TOPICS * rng.random(n) ** 2).astype(int) + chosen % N_TOPICS
        picked = np.where((rng.random(n) < 0.8) & np.isin(topical, items), topical, at_random)
        seconds = np.sort(rng.choice(86_400, n, replace=False))
        start = datetime.combine(day, time(tzinfo=UTC))
        return pl.DataFrame(
            {
                "event_id": [f"{day:%Y%m%d}-{number:04}" for number in range(n)],
                "user_id": [user(number) for number in chosen],
                "item_id": [item(number) for number in picked],
                "timestamp": [start + timedelta(seconds=int(second)) for second in seconds],
                "event": rng.choice(list(EVENTS), n, p=list(EVENTS.values())),
            }
        )

    def history(self) -> pl.DataFrame:
        """Return the events of all days before the first."""
        days = [FIRST_DAY - timedelta(days=back) for back in range(HISTORY_DAYS, 0, -1)]
        return pl.concat([self.events(day) for day in days])

    def user_list(self) -> pl.DataFrame:
        """Return the full list of users."""
        return pl.DataFrame([{"user_id": user(n), "department": f"department {n % N_TOPICS}"} for n in self.users])

    def item_list(self) -> pl.DataFrame:
        """Return the full list of items."""
        topics = [n % N_TOPICS for n in self.items]
        return pl.DataFrame(
            {
                "item_id": [item(n) for n in self.items],
                "title": [f"Lesson {n} on topic {topic}" for n, topic in zip(self.items, topics, strict=True)],
                "topic": [f"topic {topic}" for topic in topics],
            }
        )


@dataclass
class Landing:
    """The folder that the platform delivers to, and what the home must hold of it.

    Attributes:
        root: The source root.
        with_ids: Whether events are delivered with an id.
        today: The date of the night to come.
        live: Event id to the event as it must count.
        quarantine: How many rows must wait in quarantine, by reason.
        aside: File to its rows, of the files that are set aside and neither corrected nor taken away.
        gone_items: Items that no release from now on may show.
        gone_users: Users who must get no list from now on.
    """

    root: Path
    with_ids: bool
    today: date = FIRST_DAY
    platform: Platform = field(default_factory=Platform)
    live: dict[str, Event] = field(default_factory=dict)
    quarantine: Counter[str] = field(default_factory=Counter)
    aside: dict[str, int] = field(default_factory=dict)
    gone_items: set[str] = field(default_factory=set)
    gone_users: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        (self.root / "events").mkdir(parents=True)
        event_id = 'event_id = "event_id"' if self.with_ids else ""
        self.manifest.write_text(_MANIFEST.format(event_id=event_id), encoding="utf-8")

    @cached_property
    def manifest(self) -> Path:
        """The manifest of both tables and the landing folder, kept apart from what is delivered."""
        return self.root.parent / f"{self.root.name}.toml"

    @property
    def sources(self) -> Sources:
        """What a night is given."""
        return Sources(self.manifest, self.root)

    @property
    def night(self) -> datetime:
        """The T of the night to come."""
        return datetime.combine(self.today, NIGHT)

    @property
    def day(self) -> date:
        """The day whose events are due."""
        return self.today - timedelta(days=1)

    def text(self, events: pl.DataFrame, line_end: str = "\n") -> bytes:
        """Return events as CSV, without ids where none are delivered."""
        frame = events if self.with_ids else events.drop("event_id")
        whole = frame.with_columns(pl.col("timestamp").dt.strftime("%Y-%m-%dT%H:%M:%SZ"))
        return whole.write_csv(line_terminator=line_end).encode()

    def put(self, name: str, content: bytes) -> str:
        """Write a file below the root that arrives an hour before the night, and return its name."""
        path = self.root / name
        path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
        arrived = datetime.combine(self.today, ARRIVAL).timestamp()
        os.utime(path, (arrived, arrived))
        return name

    def put_day(self, day: date) -> int:
        """Deliver a day's events under their usual name, all of them good, and return how many there are."""
        events = self.platform.events(day)
        self.put(file_of(day), self.text(events))
        return self.expect(events)

    def put_lists(self) -> None:
        """Deliver the full lists of users and items."""
        self.put("users.csv", self.platform.user_list().write_csv().encode())
        self.put("items.csv", self.platform.item_list().write_csv().encode())

    def expect(self, events: pl.DataFrame) -> int:
        """Note in the ledger that the events must count from now on, and return how many there are."""
        self.live.update({event_id: tuple(event) for event_id, *event in events.select(COLUMNS).iter_rows()})
        return events.height


def file_of(day: date) -> str:
    """Return the usual name of a day's file."""
    return f"events/events-{day}.csv"
