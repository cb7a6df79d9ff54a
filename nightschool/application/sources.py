"""Ingest of a home's source files, their states, and the decisions on files that were set aside."""

from datetime import UTC, datetime
from importlib import import_module
from typing import Any

import polars as pl

from nightschool.application.home import manifest_of
from nightschool.application.shown import store_shown
from nightschool.columns import (
    ARRIVED_AT,
    FILE,
    INTERACTIONS,
    ITEMS,
    OFFSET,
    READ_AT,
    REASON,
    ROWS,
    STATE,
    TABLE,
    USERS,
)
from nightschool.data.splits.given_test import read_test
from nightschool.ingest.batch import IngestContext
from nightschool.ingest.feedback_events import with_new_feedback
from nightschool.ingest.file_outcomes import decide_file
from nightschool.ingest.ingest import IngestReport, ingest
from nightschool.ingest.ledger import Decision, Ledger
from nightschool.settings import Settings
from nightschool.storage.binding import bind
from nightschool.storage.home import Home
from nightschool.storage.nights import Nights
from nightschool.storage.upkeep import join_files


class _Suites:
    """The module `expectations.validation`, imported at the first row that it checks, since that takes seconds."""

    def __getattr__(self, name: str) -> Any:
        return getattr(import_module("expectations.validation"), name)


def ingest_sources(home: Home, as_of: datetime | None) -> IngestReport:
    """Take in new rows of the home's files and new feedback events; report what became of every row and file.

    Rows become known at the T of the night that takes them in, else now. What was shown is stored. Tables of many small
    files are compacted.
    """
    now = datetime.now(UTC)
    source_root = home.binding.source_root
    manifest = with_new_feedback(manifest_of(home), home, Settings().events_address)
    ledger = Ledger(home.lake, now)
    report = ingest(
        IngestContext(manifest, source_root, home.lake, ledger, _Suites(), as_of or now, now, _last_as_of(home))
    )
    bind(home.paths.binding, home.binding)
    store_shown(home, now)
    join_files(home.lake)
    return report


def _last_as_of(home: Home) -> datetime | None:
    """Return the newest T of the nights that looked into the source files; None before the first."""
    looked = [row.as_of for row in Nights.of(home.paths).all() if row.rows and row.ended_at and row.as_of]
    return max([*looked, *(row.as_of for row in home.releases.history() if row.release_id)], default=None)


def list_files(home: Home) -> list[dict[str, Any]]:
    """Return the newest state of every source file: table, file, state, rows, reason, read_at, arrived_at."""
    entries = Ledger(home.lake, datetime.now(UTC)).newest()
    files = [
        {
            "table": entry[TABLE],
            "file": entry[FILE],
            "state": (entry[STATE] or "taken").replace("_", " "),
            "rows": entry[ROWS] - (entry[OFFSET] or 0),
            "reason": entry[REASON] or "",
            "read_at": entry[READ_AT].isoformat(),
            "arrived_at": entry[ARRIVED_AT].isoformat() if entry[ARRIVED_AT] else None,
        }
        for entry in entries
    ]
    return sorted(files, key=lambda file: (file["table"], file["file"]))


def decide_source(home: Home, file: str, decision: Decision) -> dict[str, Any]:
    """Accept or drop a file that is set aside; the caller holds the home's lock.

    Raises:
        NotFound: No such file is set aside.
    """
    ledger = Ledger(home.lake, datetime.now(UTC))
    return dict(decide_file(ledger, (INTERACTIONS, ITEMS, USERS), file, decision))


def read_hold_out(home: Home) -> pl.DataFrame:
    """Read the interactions of the manifest's [test], which no night ever reads."""
    return read_test(manifest_of(home), home.binding.source_root, home.lake.scan(INTERACTIONS))
