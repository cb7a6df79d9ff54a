"""Quarantined rows judged once more, repaired or as they are; the good ones come in under their own source row."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import polars as pl

from nightschool.columns import (
    AVAILABLE_AT,
    DETAIL,
    INTERACTIONS,
    ITEM_ID,
    ITEMS,
    QUARANTINE,
    QUARANTINED_AT,
    REASON,
    ROW,
    SOURCE_FILE,
    SOURCE_ROW,
    TABLE,
    USER_ID,
    USERS,
    Table,
)
from nightschool.data.manifest.manifest import Items, Users
from nightschool.data.manifest.sections import Interactions
from nightschool.data.normalization.quarantine_rows import NOT_TAKEN_APART, reread
from nightschool.data.readers.sources import SourceFile
from nightschool.data.readers.sql import Sql
from nightschool.errors import ConfigurationError, DataRefused
from nightschool.ingest.batch import IngestContext, Intake, TableCounts, mark
from nightschool.ingest.entities import (
    changes,
    first_of_each_id,
    newest_of_each_id,
    normalised,
    require_same_types,
)
from nightschool.ingest.interaction_rows import Arrivals, placed
from nightschool.ingest.prerequisites import mark_cycles, own_values, with_newest_values, without_lacking
from nightschool.ingest.vectors import mark_vectors
from nightschool.storage.quarantine.repair_files import name_of
from nightschool.storage.quarantine.table import PLACE, RETRIED, known_as, quarantined, settle
from nightschool.storage.staging import Spool

_BLOCK_ROWS: Final = 500_000
_KEPT: Final = "kept"
"""The row as it is in quarantine, next to the repaired one."""


@dataclass
class _Attempt:
    """What became of one table's rows: those that come in, those that stay with a new reason, those that stay as is.

    Attributes:
        marks: The quarantine's rows of what comes in, with the reason that says so.
    """

    intake: Intake
    marks: Spool
    untouched: Counter[str] = field(default_factory=Counter)

    def counts(self) -> TableCounts:
        counts = self.intake.counts()
        reasons = dict(sorted((Counter(counts.reasons) + self.untouched).items()))
        left = counts.quarantined + self.untouched.total()
        return TableCounts(counts.already_known, counts.accepted, left, reasons)


@dataclass(frozen=True)
class RetryReport:
    """What became of the rows that were tried, table by table."""

    tables: Mapping[str, TableCounts]

    def to_dict(self) -> dict[str, Any]:
        """Return the numbers by table, for JSON."""
        return {name: counts.to_dict() for name, counts in self.tables.items()}


def retry(context: IngestContext, repairs: pl.DataFrame | None = None) -> RetryReport:
    """Try quarantined rows again; return the counts: rows in = already known + accepted + still quarantined.

    Users and items come first, so that an interaction may name one that comes in with it. Each row that comes in does
    so once, under its own source file and row; killed at any instant, the next `settle` and retry bring it to its end.

    Args:
        context: By which rules, and since when what comes in is known.
        repairs: table, source_file, source_row and row (one JSON object) of those to try; None: all as they are.

    Raises:
        DataRefused: A repaired row is not in quarantine; nothing was changed.
        ConfigurationError: The manifest no longer fits what was taken in by it; nothing was changed.
    """
    lake = context.lake
    context.ledger.undo_unfinished()
    if repairs is not None:
        _require_quarantined(context, repairs)
    settle(lake)
    try:
        attempts = _judged(context, repairs)
        _mark(context, attempts)
        for attempt in attempts:
            rows = attempt.intake.accepted.scan()
            if rows is not None:
                lake.append(attempt.intake.table, rows)
    finally:
        lake.clear_spools()
    settle(lake)
    return RetryReport({attempt.intake.table.name: attempt.counts() for attempt in reversed(attempts)})


def retry_waiting(context: IngestContext, since: datetime) -> int:
    """Take in the quarantined interactions whose user or item is known by now, and return how many came in.

    Args:
        context: The ingest that has just been written.
        since: When the users or items arrived that they waited for.
    """
    manifest, lake = context.manifest, context.lake
    declared = ((USERS, USER_ID, "unknown_user", manifest.users), (ITEMS, ITEM_ID, "unknown_item", manifest.items))
    waiting = [
        lake.scan(QUARANTINE)
        .filter(pl.col(TABLE) == INTERACTIONS.name, pl.col(REASON) == reason, pl.col(ROW).is_not_null())
        .join(
            lake.scan(table).select(pl.col(key).cast(pl.String).str.slice(0, 100).alias(DETAIL)), on=DETAIL, how="semi"
        )
        for table, key, reason, part in declared
        if part is not None
    ]
    if not waiting:
        return 0
    rows = pl.concat(waiting).select(*PLACE, ROW).collect()
    known = [name for name in rows[SOURCE_FILE].unique() if find_part(context, name) is not None]
    rows = rows.filter(pl.col(SOURCE_FILE).is_in(known))
    if rows.is_empty():
        return 0
    report = retry(replace(context, first_seen=since), rows)
    return report.tables[INTERACTIONS.name].accepted


def _require_quarantined(context: IngestContext, repairs: pl.DataFrame) -> None:
    known = context.lake.scan(QUARANTINE).select(PLACE).collect()
    strange = repairs.join(known, on=PLACE, how="anti", maintain_order="left")
    if strange.height:
        do = "take it out, or export the quarantine again: its table, source_file and source_row must stay as they are"
        raise DataRefused(f"{strange.height} repaired rows are not in quarantine", seen=name_of(strange), do=do)


def _judged(context: IngestContext, repairs: pl.DataFrame | None) -> list[_Attempt]:
    manifest = context.manifest
    users, user_ids = _entities(context, USERS, manifest.users, repairs)
    items, item_ids = _entities(context, ITEMS, manifest.items, repairs)
    arrivals = Arrivals(context, {USER_ID: user_ids, ITEM_ID: item_ids})
    log = _begun(context, INTERACTIONS)
    for file_name, rows in _asked(context, log, repairs):
        part = _part_of(context, file_name)
        file = _source(context, part, file_name)
        frame = arrivals.judge(reread(rows, part, file), part, file, context.first_seen)
        good = log.intake.sort_out(frame, file, context.now)
        if good.height:
            log.intake.accepted.add(placed(good, file, manifest.contexts))
            _note(log, good.with_columns(pl.lit(None, pl.String).alias(DETAIL)), file, context)
    return [items, users, log]


def _entities(
    context: IngestContext, table: Table, part: Users | Items | None, repairs: pl.DataFrame | None
) -> tuple[_Attempt, pl.Series | None]:
    """Try rows of users or items; return also every id known then, None where none are declared."""
    attempt, key = _begun(context, table), USER_ID if table is USERS else ITEM_ID
    if part is None:
        for _, rows in _asked(context, attempt, repairs):
            attempt.untouched.update(_reasons(rows))
        return attempt, None
    newest = newest_of_each_id(context.lake.scan(table).collect(), key)
    for file_name, rows in _asked(context, attempt, repairs):
        file = _source(context, part, file_name)
        # Rows that were kept as lines need the file's header, if it is still there.
        present = without_lacking(part, file)[0] if file.path.is_file() else part
        frame = normalised(context, table, present, reread(rows, present, file))
        repeats = rows.filter(pl.col(REASON) == "duplicate_id")[SOURCE_ROW]
        # It lies there since another row has its id, and would take that one's place.
        again = pl.col(SOURCE_ROW).is_in(repeats.implode()) & pl.col(key).is_in(newest[key].implode())
        frame = _with_newest_values(frame, rows, newest, part)
        frame = mark_cycles(first_of_each_id(mark(frame, again, "duplicate_id", key), key), newest, part)
        frame = mark_vectors(frame, newest, part)
        given = attempt.intake.sort_out(frame, file, context.now)
        require_same_types(given, newest, table)
        added = changes(given, newest, key, context.manifest.history, context.first_seen)
        attempt.intake.already_known += given.height - added.height
        newest = newest_of_each_id(pl.concat([newest, added], how="diagonal"), key)
        if added.height:
            attempt.intake.accepted.add(added)
        held = given.join(newest.select(key, AVAILABLE_AT), on=key)
        _note(attempt, held.with_columns(known_as(key).alias(DETAIL)), file, context)
    return attempt, newest[key]


def _with_newest_values(
    frame: pl.DataFrame, rows: pl.DataFrame, newest: pl.DataFrame, part: Users | Items
) -> pl.DataFrame:
    """Leave the rows that lay in quarantine for some values alone these values, and all else to the newest rows."""
    for reason, own in own_values(part).items():
        of_it = pl.col(SOURCE_ROW).is_in(rows.filter(pl.col(REASON) == reason)[SOURCE_ROW].implode())
        frame = pl.concat([with_newest_values(frame.filter(of_it), newest, own), frame.filter(~of_it)])
    return frame


def _begun(context: IngestContext, table: Table) -> _Attempt:
    return _Attempt(context.intake(table), context.lake.spool(f"{table.name}-{RETRIED}"))


def _asked(
    context: IngestContext, attempt: _Attempt, repairs: pl.DataFrame | None
) -> Iterator[tuple[str, pl.DataFrame]]:
    """Yield the rows to try, file by file: source_file, source_row, reason, row (as it was repaired).

    What could not be taken apart and was not repaired is left where it is, and so is what was not kept.
    """
    lying = quarantined(context.lake).filter(pl.col(TABLE) == attempt.intake.table.name)
    lying = lying.select(SOURCE_FILE, SOURCE_ROW, REASON, ROW, pl.col(ROW).alias(_KEPT))
    if repairs is not None:
        mine = repairs.filter(pl.col(TABLE) == attempt.intake.table.name).select(SOURCE_FILE, SOURCE_ROW, ROW)
        lying = lying.drop(ROW).join(mine.lazy(), on=(SOURCE_FILE, SOURCE_ROW))
        # What an earlier retry took in has left the quarantine just now.
        attempt.intake.already_known += mine.height - lying.select(pl.len()).collect().item()
    for name in lying.select(pl.col(SOURCE_FILE).unique().sort()).collect().to_series():
        rows = lying.filter(pl.col(SOURCE_FILE) == name).sort(SOURCE_ROW).collect()
        as_kept = pl.col(ROW) == pl.col(_KEPT)
        # Of erased users not even the row was kept.
        hopeless = pl.col(_KEPT).is_null() | (as_kept & pl.col(REASON).is_in(NOT_TAKEN_APART))
        attempt.untouched.update(_reasons(rows.filter(hopeless)))
        yield from ((name, block) for block in rows.filter(~hopeless).drop(_KEPT).iter_slices(_BLOCK_ROWS))


def _reasons(rows: pl.DataFrame) -> dict[str, int]:
    return dict(rows[REASON].value_counts().iter_rows())


def _part_of(context: IngestContext, file: str) -> Interactions:
    """Find the part of the manifest's interactions by which a file was taken in.

    Raises:
        ConfigurationError: It is no longer there.
    """
    if (part := find_part(context, file)) is not None:
        return part
    what = f"the manifest's [{INTERACTIONS.name}] is no longer what {file} was taken in by"
    raise ConfigurationError(what, do="change it back, or ingest into another --home")


def find_part(context: IngestContext, file: str) -> Interactions | None:
    """Return the part of the manifest's interactions that a file was taken in by; None where it is no longer there."""
    parts = context.manifest.interactions
    read_by = (part for part in parts if context.ledger.was_read_by(part, INTERACTIONS, SourceFile(file, Path())))
    return next(read_by, None)


def _source(context: IngestContext, part: Interactions | Users | Items, name: str) -> SourceFile:
    root = context.source_root
    return SourceFile(name, part.format.root(root) if isinstance(part.format, Sql) else root / name)


def _note(attempt: _Attempt, rows: pl.DataFrame, file: SourceFile, context: IngestContext) -> None:
    """Mark the rows of a file that come in."""
    marked = rows.with_columns(
        pl.lit(attempt.intake.table.name).alias(TABLE),
        pl.lit(file.name).alias(SOURCE_FILE),
        pl.lit(RETRIED).alias(REASON),
        pl.lit(context.now).dt.cast_time_unit("us").alias(QUARANTINED_AT),
    )
    attempt.marks.add(marked.select(*QUARANTINE.columns))


def _mark(context: IngestContext, attempts: list[_Attempt]) -> None:
    """Commit the state of each row: marked if it comes in, with its new reason and repair if it stays."""
    spools = [spool for attempt in attempts for spool in (attempt.marks, attempt.intake.rejected)]
    touched = [rows for spool in spools if (rows := spool.scan()) is not None]
    if touched:
        rows = pl.concat(touched)
        rest = context.lake.scan(QUARANTINE).join(rows.select(PLACE), on=PLACE, how="anti")
        context.lake.overwrite(QUARANTINE, pl.concat([rest, rows]))
