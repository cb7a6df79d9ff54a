"""Ingest of a home's source files, their states, and the decisions on files that were set aside."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from importlib import import_module
from typing import Any

import polars as pl

from nightschool.application.asked import carry_out_asked
from nightschool.application.home import manifest_of
from nightschool.application.learn_from_shown import learn_from_shown
from nightschool.application.shown import store_shown
from nightschool.columns import (
    ARRIVED_AT,
    FILE,
    INTERACTIONS,
    ITEMS,
    OFFSET,
    POSITION,
    READ_AT,
    REASON,
    ROWS,
    STATE,
    TABLE,
    USERS,
)
from nightschool.data.splits.given_test import read_test
from nightschool.errors import NightschoolError
from nightschool.ingest.batch import IngestContext
from nightschool.ingest.feedback_events import with_new_feedback
from nightschool.ingest.file_outcomes import decide_file
from nightschool.ingest.ingest import IngestReport, ingest
from nightschool.ingest.ledger import Decision, Ledger
from nightschool.ingest.sent_changes import SENT, read_sent_changes
from nightschool.settings import Settings
from nightschool.storage.binding import bind
from nightschool.storage.home import Home
from nightschool.storage.lake import UNREADABLE
from nightschool.storage.nights import Nights
from nightschool.storage.upkeep import join_files

logger = logging.getLogger("nightschool.application")


class _Suites:
    """The module `expectations.validation`, imported at the first row that it checks, since that takes seconds."""

    def __getattr__(self, name: str) -> Any:
        return getattr(import_module("expectations.validation"), name)


def ingest_sources(home: Home, as_of: datetime | None) -> IngestReport:
    """Take in new rows of the home's files and new feedback events; report what became of every row and file.

    Then what operators asked to be done with quarantined rows is carried out, and what was shown is stored and learned
    from; what of that fails, as where the database is locked by then, is left to the next night.

    Rows become known at the T of the night that takes them in, else now. Tables of many small files are compacted.
    """
    now = datetime.now(UTC)
    source_root = home.binding.source_root
    manifest = with_new_feedback(manifest_of(home), home, Settings().events_address)
    ledger = Ledger(home.lake, now)
    sent = read_sent_changes(Settings().events_address, _taken_in(ledger))
    context = IngestContext(
        manifest, source_root, home.lake, ledger, _Suites(), as_of or now, now, _last_as_of(home), sent
    )
    report = ingest(context)
    warnings = [*report.warnings]
    with _put_off("what operators asked to be done with quarantined rows", warnings):
        warnings += carry_out_asked(context)
    bind(home.paths.binding, home.binding)
    with _put_off("storing what was shown", warnings):
        store_shown(home, now)
    with _put_off("learning from what was shown", warnings):
        learn_from_shown(Settings().events_address, now)
    join_files(home.lake)
    return replace(report, warnings=tuple(warnings))


@contextmanager
def _put_off(what: str, warnings: list[str]) -> Iterator[None]:
    """Let no night fail for a step that the next one can take: why it failed is in the log, and a warning says so."""
    try:
        yield
    except (NightschoolError, *UNREADABLE, ValueError, LookupError) as error:
        logger.warning("ingest: %s failed: %s", what, error, exc_info=not isinstance(error, NightschoolError))
        warnings.append(f"{what} failed and is tried again by the next night: see the log")


def _taken_in(ledger: Ledger) -> dict[str, int]:
    """Return up to which sequence what the service was told has been taken in, by the table's name."""
    return {row[TABLE]: int(row[POSITION]) for row in ledger.newest() if row[FILE] == SENT.get(row[TABLE])}


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
