"""Rows on their way into a table: the context of their checks, good and bad rows apart, and their counts."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import polars as pl

from nightschool.columns import (
    DETAIL,
    QUARANTINE,
    QUARANTINED_AT,
    REASON,
    ROW,
    SOURCE_FILE,
    SOURCE_ROW,
    TABLE,
    Table,
)
from nightschool.data.feedback_source import FEEDBACK
from nightschool.data.manifest.manifest import Manifest
from nightschool.data.normalization.limits import Limits
from nightschool.data.readers.contents import modified_at
from nightschool.data.readers.formats import Format
from nightschool.data.readers.parsing import LONE_QUOTE, RAW
from nightschool.data.readers.sources import SourceFile
from nightschool.data.readers.sql import Sql
from nightschool.errors import DataRefused
from nightschool.ingest.advice import MANGLED_ID, ROUNDED, advise, shown
from nightschool.ingest.batch_profiles import Batches
from nightschool.ingest.checks import Checks
from nightschool.ingest.ledger import Ledger
from nightschool.ingest.sent_changes import SentChanges
from nightschool.ingest.tombstones import FORGOTTEN_USER
from nightschool.storage.lake import Lake
from nightschool.storage.staging import Spool

ALREADY_KNOWN: Final = "already_known"
"""The reason of a row that says what the table holds: it is counted, and is no fault."""


@dataclass(frozen=True)
class IngestContext:
    """One ingest: what is read, into what, by which rules and at which time.

    Attributes:
        first_seen: T of the night that takes the rows in, or the clock of the `ingest`.
        now: The clock.
        last_as_of: T of the newest night of the home; None before the first.
        sent: What the service was told of items and of users, by the table's name.
    """

    manifest: Manifest
    source_root: Path
    lake: Lake
    ledger: Ledger
    check: Checks
    first_seen: datetime
    now: datetime
    last_as_of: datetime | None = None
    sent: Mapping[str, SentChanges] = field(default_factory=dict)

    def intake(self, table: Table, file: SourceFile | None = None) -> "Intake":
        """Create an empty intake for a table, or for one file of it."""
        place = table.name if file is None else f"{table.name}-{sha256(file.name.encode()).hexdigest()[:16]}"
        spools = (self.lake.spool(place), self.lake.spool(f"{place}-{QUARANTINE.name}"))
        return Intake(table, *spools, Batches(self.lake, table, self.now))

    def arrival(self, file: SourceFile, kind: Format) -> datetime:
        """Return when a file's new rows arrived: as it was last written, but never later than the clock.

        A query's rows arrive as they are read, and so do all where the manifest says `arrival = "read"`. A file that
        was not there for the last night although it bears an older time arrived since: it counts from when it was
        first seen, unless a night before that one is being made up for.

        Raises:
            NotFound: The file is gone.
        """
        if self.manifest.arrival == "read" or isinstance(kind, Sql):
            return self.first_seen
        modified = min(modified_at(file), self.now)
        if self.last_as_of is not None and modified <= self.last_as_of <= self.first_seen:
            return self.first_seen
        return modified

    def with_findings(self, table: Table, frame: pl.DataFrame) -> pl.DataFrame:
        """Add the row rules' findings to reason and detail of rows that had no reason yet."""
        found = self.check.check_rows(table.name, frame, Limits.of(self.manifest, self.now))
        if not found.height:
            return frame
        place, reason, detail = found
        fresh = frame[REASON].gather(place).is_null()
        where = place.filter(fresh)
        return frame.with_columns(
            frame[REASON].scatter(where, reason.filter(fresh)), frame[DETAIL].scatter(where, detail.filter(fresh))
        )


def mark(frame: pl.DataFrame, where: pl.Expr, code: str, seen: str) -> pl.DataFrame:
    """Give the good rows where the expression holds a reason, with the value of column `seen` as its detail."""
    fault = pl.col(REASON).is_null() & where
    return frame.with_columns(
        pl.when(fault).then(pl.lit(code)).otherwise(REASON).alias(REASON),
        pl.when(fault).then(pl.col(seen).cast(pl.String).str.slice(0, 100)).otherwise(DETAIL).alias(DETAIL),
    )


@dataclass
class Intake:
    """The rows that one table gets from its files: accepted, rejected, and how many were known already.

    Attributes:
        excused: Bad rows that say nothing about the files.
        explained: Bad rows whose id says itself what is wrong: rounded by a spreadsheet, or a word for no value.
        set_aside: Rows of files that were not taken in.
        withdrawn: Rows that withdraw users or items which a full list no longer holds; None: none.
        sent: Rows that the service was told, beside those of files.
    """

    table: Table
    accepted: Spool
    rejected: Spool
    batches: Batches
    already_known: int = 0
    excused: int = 0
    explained: int = 0
    set_aside: int = 0
    withdrawn: pl.DataFrame | None = None
    sent: list[pl.DataFrame] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)
    reread: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def sort_out(self, frame: pl.DataFrame, file: SourceFile, now: datetime) -> pl.DataFrame:
        """Return a frame's good rows; send its bad rows to quarantine and count the known ones."""
        bad = frame.filter(pl.col(REASON).is_not_null())
        self._remark(frame, file)
        if not bad.height:
            return frame
        known = bad[REASON] == ALREADY_KNOWN
        self.already_known += int(known.sum())
        bad = bad.filter(~known)
        reasons = dict(bad[REASON].value_counts().iter_rows())
        self.reasons.update(reasons)
        # Neither rows of erased users nor feedback, which anybody may send, say how good a file is.
        self.excused += bad.height if file.name == FEEDBACK else reasons.get(FORGOTTEN_USER, 0)
        is_word = bad[REASON].is_in(["missing_user", "missing_item"]) & bad[DETAIL].is_not_null()
        self.explained += int((is_word | (bad[REASON] == MANGLED_ID)).sum())
        row = pl.coalesce(pl.col(ROW), pl.col(RAW).struct.json_encode()).alias(ROW)
        place = (pl.lit(self.table.name).alias(TABLE), pl.lit(file.name).alias(SOURCE_FILE))
        when = pl.lit(now).dt.cast_time_unit("us").alias(QUARANTINED_AT)
        if bad.height:
            self.rejected.add(bad.select(*place, SOURCE_ROW, REASON, DETAIL, row, when).select(*QUARANTINE.columns))
        return frame.filter(pl.col(REASON).is_null())

    def _remark(self, frame: pl.DataFrame, file: SourceFile) -> None:
        """Warn of good rows with a detail: local times that occur twice or never at a change of the clocks."""
        if frame.height - frame[DETAIL].null_count() == 0:
            return
        unclear = frame.filter(pl.col(REASON).is_null(), pl.col(DETAIL).is_not_null())[DETAIL]
        if len(unclear):
            what = f"{file.name}: local times that occur twice or never when the clocks change, such as {unclear[0]!r}"
            self.warnings.append(f"{what} ({len(unclear):,} rows), are read by the offset before the change")

    def absorb(self, other: "Intake") -> None:
        """Add one file's intake, after it passed its checks."""
        self.accepted.absorb(other.accepted)
        self.rejected.absorb(other.rejected)
        self.batches.absorb(other.batches)
        self.already_known += other.already_known
        self.excused += other.excused
        self.explained += other.explained
        self.reasons.update(other.reasons)
        self.warnings += other.warnings

    def examples(self) -> str:
        """Return three values at which rows broke a rule, each of another reason first."""
        values = self._values()
        return f", such as {', '.join(repr(shown(value)) for value in values)}" if values else ""

    def advice(self) -> str:
        """Return advice on how to correct the files."""
        return advise([code for code, _ in self.reasons.most_common()], self._values())

    def _values(self) -> list[str]:
        bad = self.rejected.scan()
        if bad is None:
            return []
        values = bad.filter(pl.col(DETAIL).is_not_null(), pl.col(REASON) != FORGOTTEN_USER).select(REASON, DETAIL)
        first = values.unique(maintain_order=True).with_columns(pl.int_range(pl.len()).over(REASON).alias("turn"))
        return first.sort("turn", maintain_order=True).head(3).select(DETAIL).collect().to_series().to_list()

    def counts(self) -> "TableCounts":
        """Count the rows that came, by what became of them."""
        reasons = dict(sorted(self.reasons.items()))
        n_withdrawn = 0 if self.withdrawn is None else self.withdrawn.height
        n_accepted = self.accepted.rows + sum(rows.height for rows in self.sent)
        rows = (self.already_known, n_accepted, self.rejected.rows)
        return TableCounts(*rows, reasons, self.set_aside, n_withdrawn)


@dataclass(frozen=True)
class TableCounts:
    """What became of the rows of one table's files.

    Attributes:
        already_known: Taken in by an earlier ingest, or equal to what the table holds.
        reasons: Code to quarantined rows.
        set_aside: Rows of files that were not taken in, which are in none of the other numbers.
        withdrawn: Users or items that a full list no longer holds.
    """

    already_known: int
    accepted: int
    quarantined: int
    reasons: dict[str, int]
    set_aside: int = 0
    withdrawn: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Return the counts for JSON; rows_in is the sum of the next three. Rare ones are there only when not 0."""
        rows_in = self.already_known + self.accepted + self.quarantined
        known = {"rows_in": rows_in, "already_known": self.already_known}
        fate = {**known, "accepted": self.accepted, "quarantined": self.quarantined, "reasons": self.reasons}
        rare = {"set_aside": self.set_aside, "withdrawn": self.withdrawn}
        return {**fate, **{name: rows for name, rows in rare.items() if rows}}


def judge(intake: Intake, file: SourceFile, check: Checks) -> None:
    """Check what one file gave: how many of its rows are bad, and whether they are distributed as before.

    Raises:
        DataRefused: A quote would swallow rows; else naming the reasons, how often each was seen and three values.
    """
    if n_lone := intake.reasons[LONE_QUOTE]:
        raise DataRefused(
            f"{file.name}: a quoted field holds whole rows, since quotes stand alone in it",
            seen=f"{n_lone:,} such quotes{intake.examples()}",
            do='say quote = "none" in its format',
        )
    counts = intake.counts()
    # As long as they are the smaller part: a column that holds no ids is a fault of the file.
    explained = intake.explained if intake.explained <= counts.accepted else 0
    n_bad = intake.rejected.rows - intake.excused - explained
    n_rows = counts.accepted + n_bad
    if n_bad > 0:
        seen = ", ".join(f"{code} {count}" for code, count in intake.reasons.most_common())
        do = f"found {seen}{intake.examples()}; {intake.advice()}"
        check.check_intake(f"{intake.table.name} from {file.name}", n_rows, n_bad).raise_if_failed(do)
    if n_mangled := intake.reasons[MANGLED_ID]:
        intake.warnings.append(f"{n_mangled:,} rows of {file.name} have ids that were rounded (mangled_id): {ROUNDED}")
    intake.warnings += intake.batches.compare(check)
