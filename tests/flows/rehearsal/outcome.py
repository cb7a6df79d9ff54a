"""What came of a night, as its report, its flow run and its home say, and what the home holds."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from nightschool.columns import (
    AUDIENCE_RECOMMENDATIONS,
    EVENT_ID,
    FILE,
    INTERACTIONS,
    ITEM_ID,
    NEIGHBOR_ID,
    NEXT_ITEMS,
    NIGHTS,
    QUARANTINE,
    READ_AT,
    RECOMMENDATIONS,
    REVISION,
    SIMILAR_ITEMS,
    SOURCES,
    STATE,
    TABLE,
    USER_ID,
)
from nightschool.storage.lake import Lake
from nightschool.storage.releases import Release, Releases
from tests.flows.rehearsal.deliveries import Event


@dataclass(frozen=True)
class Outcome:
    """What came of one night.

    Attributes:
        status: Of the night: published, unchanged, backfilled, or how its flow run ended.
        state: The type and the name of the flow run's state; empty without a flow run of a worker.
        rows: What was reported of the source rows, by table.
        fates: File to what became of it.
        seconds: How long it took.
        message: The message of the state, or the warnings of the report.
        notes: The report as people read it; empty where none is written.
    """

    status: str
    state: tuple[str, str] | None = None
    rows: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    fates: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    message: str = ""
    notes: str = ""

    def figure(self, name: str) -> int:
        """Return a number of interactions as it was reported; 0 where nothing was."""
        return int(self.rows.get(INTERACTIONS.name, {}).get(name, 0))


class Contents:
    """What a home holds."""

    def __init__(self, home: Path) -> None:
        self.lake = Lake(home / "lake", pl.String(), pl.String())
        self.releases = Releases(self.lake)

    def events(self) -> list[Event]:
        """Return the events that count: of each id the newest revision, and those without an id."""
        rows = self.lake.scan(INTERACTIONS).sort(REVISION).collect()
        with_id = rows.filter(pl.col(EVENT_ID).is_not_null()).unique(EVENT_ID, keep="last")
        newest = pl.concat([with_id, rows.filter(pl.col(EVENT_ID).is_null())])
        return [*newest.select("user_id", "item_id", "timestamp", "event").iter_rows()]

    def n_interactions(self) -> int:
        """Return how many rows the table of interactions has, earlier revisions included."""
        return int(self.lake.scan(INTERACTIONS).select(pl.len()).collect().item())

    def quarantine(self) -> Counter[str]:
        """Return how many interactions wait in quarantine, by reason."""
        rows = self.lake.scan(QUARANTINE).filter(pl.col(TABLE) == INTERACTIONS.name).collect()
        return Counter(rows["reason"].to_list())

    def published(self) -> list[Release]:
        """Return the published rows of the releases table, in commit order."""
        return [row for row in self.releases.history() if row.status == "published"]

    def fates(self) -> dict[str, str]:
        """Return what the ledger of the interactions files says of each."""
        rows = self.lake.scan(SOURCES).filter(pl.col(TABLE) == INTERACTIONS.name).sort(READ_AT)
        newest = rows.unique(FILE, keep="last", maintain_order=True)
        return dict(newest.select(FILE, pl.col(STATE).fill_null("taken")).collect().iter_rows())

    def shown_items(self, release_id: str) -> set[str]:
        """Return every item that a release shows to anybody."""
        columns = (
            (RECOMMENDATIONS, ITEM_ID),
            (SIMILAR_ITEMS, NEIGHBOR_ID),
            (NEXT_ITEMS, NEIGHBOR_ID),
            (AUDIENCE_RECOMMENDATIONS, ITEM_ID),
        )
        return {
            shown
            for table, name in columns
            for shown in self.lake.scan(table, release_id).select(name).unique().collect()[name]
        }

    def listed_users(self, release_id: str) -> set[str]:
        """Return every user who has a list."""
        return set(self.lake.scan(RECOMMENDATIONS, release_id).select(USER_ID).unique().collect()[USER_ID])

    def night(self, flow_run_id: str) -> dict[str, Any]:
        """Return the row of the table of nights that says how a flow run's night ended; empty where there is none."""
        mine = pl.col("flow_run_id") == flow_run_id
        rows = self.lake.scan(NIGHTS).filter(mine & pl.col("ended_at").is_not_null()).collect()
        return {**rows.row(-1, named=True), "rows": json.loads(rows["rows"][-1])} if rows.height else {}


def table_of(lines: list[tuple[str, ...]]) -> str:
    """Return lines of cells as an aligned table."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines)
