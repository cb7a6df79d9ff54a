"""Rows on their way in: what judges them, the good and the bad apart, and what is reported of them."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

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
from nightschool.data.limits import Limits
from nightschool.data.manifest import Manifest
from nightschool.data.parsing import RAW
from nightschool.data.sent import SENT
from nightschool.data.sources import SourceFile
from nightschool.errors import DataRefused
from nightschool.night.batches import Batches, DriftReport
from nightschool.night.forgotten import FORGOTTEN_USER
from nightschool.night.ledger import Ledger
from nightschool.storage.lake import Lake
from nightschool.storage.spool import Spool


class Verdict(Protocol):
    """What a check says of rows that arrive together."""

    def raise_if_failed(self, do: str) -> None:
        """Raises DataRefused, with what to do, where they must not come in."""
        ...


class Checks(Protocol):
    """The rules for arriving rows; the module `expectations.validation` is one."""

    def check_rows(self, table: str, frame: pl.DataFrame, limits: Limits) -> pl.DataFrame:
        """The rows that break a rule: row_number (from 0), reason, detail."""
        ...

    def check_intake(self, table: str, n_rows: int, n_bad: int) -> Verdict:
        """Whether so many rows, so many of them bad, may come in together."""
        ...

    def check_growth(self, table: str, before: int, now: int) -> Verdict:
        """Whether a file may hold so many rows now where it had so many before."""
        ...

    def check_drift(self, table: str, stability: pl.DataFrame) -> DriftReport:
        """Whether a batch is distributed like the last one."""
        ...


@dataclass(frozen=True)
class Occasion:
    """One ingest: what is read, into what, by which rules and at which time.

    Attributes:
        first_seen: T of the night that takes the rows in, or the clock of the `ingest`.
        now: The clock.
    """

    manifest: Manifest
    source_root: Path
    lake: Lake
    ledger: Ledger
    check: Checks
    first_seen: datetime
    now: datetime

    def intake(self, table: Table) -> "Intake":
        """What the table gets, nothing yet."""
        spools = (self.lake.spool(table.name), self.lake.spool(f"{table.name}-{QUARANTINE.name}"))
        return Intake(table, *spools, Batches(self.lake, table, self.now))

    def with_findings(self, table: Table, frame: pl.DataFrame) -> pl.DataFrame:
        """The frame with the row rules' findings in reason and detail, where there was no reason yet."""
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
    """The frame with a reason in the good rows where the expression holds, and the value of `seen` as its detail."""
    fault = pl.col(REASON).is_null() & where
    return frame.with_columns(
        pl.when(fault).then(pl.lit(code)).otherwise(REASON).alias(REASON),
        pl.when(fault).then(pl.col(seen).cast(pl.String).str.slice(0, 100)).otherwise(DETAIL).alias(DETAIL),
    )


@dataclass
class Intake:
    """What one table gets from its files: good rows, bad rows and how many were there already.

    Attributes:
        excused: Bad rows that say nothing about the files.
    """

    table: Table
    accepted: Spool
    rejected: Spool
    batches: Batches
    already_known: int = 0
    excused: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    reread: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def sort_out(self, frame: pl.DataFrame, file: SourceFile, now: datetime) -> pl.DataFrame:
        """The good rows of a normalised frame; its bad ones go to the quarantine with their reason."""
        bad = frame.filter(pl.col(REASON).is_not_null())
        if not bad.height:
            return frame
        reasons = dict(bad[REASON].value_counts().iter_rows())
        self.reasons.update(reasons)
        # Neither rows of people who were forgotten nor what anybody may send says how good a file is.
        self.excused += bad.height if file.name == SENT else reasons.get(FORGOTTEN_USER, 0)
        row = pl.coalesce(pl.col(ROW), pl.col(RAW).struct.json_encode()).alias(ROW)
        place = (pl.lit(self.table.name).alias(TABLE), pl.lit(file.name).alias(SOURCE_FILE))
        when = pl.lit(now).dt.cast_time_unit("us").alias(QUARANTINED_AT)
        self.rejected.add(bad.select(*place, SOURCE_ROW, REASON, DETAIL, row, when).select(*QUARANTINE.columns))
        return frame.filter(pl.col(REASON).is_null())

    def counts(self) -> "TableCounts":
        """How many rows came, and what became of them."""
        reasons = dict(sorted(self.reasons.items()))
        return TableCounts(self.already_known, self.accepted.rows, self.rejected.rows, reasons)


@dataclass(frozen=True)
class TableCounts:
    """What became of the rows of one table's files.

    Attributes:
        already_known: Taken in by an earlier ingest, or equal to what the table holds.
        reasons: Code to quarantined rows.
    """

    already_known: int
    accepted: int
    quarantined: int
    reasons: dict[str, int]

    def to_dict(self) -> dict[str, Any]:
        """The numbers for JSON; rows_in is the sum of the next three."""
        rows_in = self.already_known + self.accepted + self.quarantined
        known = {"rows_in": rows_in, "already_known": self.already_known}
        return {**known, "accepted": self.accepted, "quarantined": self.quarantined, "reasons": self.reasons}


def judged(intake: Intake, occasion: Occasion) -> Intake:
    """The intake itself, unless too many of its rows are bad, or none is good and the table would stay empty.

    Raises:
        DataRefused: Naming the reasons and how often each was seen.
    """
    counts, do = intake.counts(), "check the manifest against the files"
    n_bad = counts.quarantined - intake.excused
    if not counts.accepted + n_bad:
        return intake
    seen = ", ".join(f"{code} {count}" for code, count in intake.reasons.most_common())
    occasion.check.check_intake(intake.table.name, counts.accepted + n_bad, n_bad).raise_if_failed(
        f"found {seen}; {do}"
    )
    empty = not (counts.accepted or counts.already_known)
    if empty and occasion.lake.scan(intake.table).head(1).collect().is_empty():
        raise DataRefused(f"no row for {intake.table.name} is good", seen=seen, do=do)
    intake.warnings += intake.batches.compare(occasion.check)
    return intake
