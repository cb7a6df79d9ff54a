"""Stage 1 of a night: source rows into the tables, exactly once, and the bad ones into quarantine, file by file."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl

from nightschool.columns import INTERACTIONS, ITEM_ID, ITEMS, QUARANTINE, SOURCE_FILE, TABLE, USER_ID, USERS, Table
from nightschool.data.manifest.manifest import Items, Users
from nightschool.data.manifest.sections import Sourced
from nightschool.data.readers.sources import SourceFile
from nightschool.errors import NotFound
from nightschool.ingest.batch import IngestContext, Intake, TableCounts
from nightschool.ingest.entities import take_entities
from nightschool.ingest.file_outcomes import FileFate
from nightschool.ingest.interactions import take_interactions
from nightschool.ingest.quarantine.retry import retry_waiting
from nightschool.ingest.quarantine.superseded import mark_known, mark_mended
from nightschool.storage.lake import Lake
from nightschool.storage.quarantine.table import settle


@dataclass(frozen=True)
class IngestReport:
    """Rows in = already known + accepted + quarantined, table by table, and what became of each file.

    Attributes:
        released: Rows that had waited in quarantine for their user or item, and came in.
        superseded: Quarantined rows whose mended form came in.
    """

    tables: Mapping[str, TableCounts]
    warnings: tuple[str, ...] = ()
    files: tuple[FileFate, ...] = ()
    released: int = 0
    superseded: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Return the counts by table for JSON; for interactions also how many rows left the quarantine, if any."""
        document = {name: counts.to_dict() for name, counts in self.tables.items()}
        left = {"released": self.released, "superseded": self.superseded}
        document[INTERACTIONS.name] |= {name: rows for name, rows in left.items() if rows}
        return document

    def files_to_dict(self) -> list[dict[str, Any]]:
        """Return what became of each file, for JSON."""
        return [fate.to_dict() for fate in self.files]


def ingest(context: IngestContext) -> IngestReport:
    """Take in what the files bring. All files are read and judged before anything is written.

    Each file is judged by itself: one that is refused is set aside with its reason, and the others come in.

    Raises:
        NotFound: A file is missing, and nothing was ever taken in for its table.
        DataRefused: No file could be taken in, and the table holds nothing yet; nothing was written.
        Unreachable: A database does not answer; nothing was written.
        ConfigurationError: The manifest no longer fits what was taken in by it; nothing was written.
    """
    context.ledger.undo_unfinished()
    settle(context.lake)
    try:
        return _ingest(context)
    finally:
        context.lake.clear_spools()


def _ingest(context: IngestContext) -> IngestReport:
    manifest, lake = context.manifest, context.lake
    missing: list[str] = []
    users, user_ids, user_files, users_came = _take(context, USERS, manifest.users, missing)
    items, item_ids, item_files, items_came = _take(context, ITEMS, manifest.items, missing)
    pairs = [(part, file) for part in manifest.interactions for file in _find(context, INTERACTIONS, part, missing)]
    log, log_files = take_interactions(context, pairs, {USER_ID: user_ids, ITEM_ID: item_ids})
    superseded = mark_mended(context, log.accepted.scan())
    context.ledger.cut()
    for intake in (users, items, log):
        _write(intake, lake)
    context.ledger.write()
    came = max((instant for instant in (users_came, items_came) if instant is not None), default=None)
    released = retry_waiting(context, came) if came is not None else 0
    files = (*log_files, *user_files, *item_files)
    warnings = [warning for intake in (log, users, items) for warning in intake.warnings]
    warnings += [*missing, *(fate.warning for fate in files if fate.warning)]
    warnings += [*_gone(users), *_gone(items)]
    superseded += mark_known(context)
    if released:
        warnings.append(f"{released:,} quarantined interactions came in with the user or item that they waited for")
    if superseded:
        warnings.append(f"{superseded:,} quarantined interactions left the quarantine: their mended form came in")
    counts = {intake.table.name: intake.counts() for intake in (log, users, items)}
    return IngestReport(counts, tuple(warnings), files, released, superseded)


def _take(
    context: IngestContext, table: Table, part: Users | Items | None, missing: list[str]
) -> tuple[Intake, pl.Series | None, list[FileFate], datetime | None]:
    """Take in the files of users or items; return also every id known then, None where no files are declared."""
    if part is None:
        return context.intake(table), None, [], None
    return take_entities(context, table, part, _find(context, table, part, missing))


def _find(context: IngestContext, table: Table, part: Sourced, missing: list[str]) -> list[SourceFile]:
    """Return the files of a part; once something was taken in for the table, a missing one is only noted.

    Raises:
        NotFound: The source root does not exist, or a file of a table is missing for which nothing was taken in yet.
    """
    try:
        return part.sources(context.source_root)
    except NotFound as error:
        if not context.ledger.taken(table) or not context.source_root.is_dir():
            raise
        missing.append(f"{table.name}: {error}")
    alone = [part.model_copy(update={"files": (pattern,)}) for pattern in part.files]
    return [file for each in alone for file in _if_any(each, context.source_root)]


def _if_any(part: Sourced, root: Path) -> list[SourceFile]:
    try:
        return part.sources(root)
    except NotFound:
        return []


def _gone(intake: Intake) -> list[str]:
    gone = intake.withdrawn
    return [] if gone is None else [f"{intake.table.name}: {gone.height:,} withdrawn, the full list lacks them"]


def _write(intake: Intake, lake: Lake) -> None:
    """Write a table's rows; a file that was read again in full has its quarantined rows replaced."""
    for sent in intake.sent:
        lake.append(intake.table, sent)
    for name in intake.reread:
        lake.delete(QUARANTINE, (pl.col(TABLE) == intake.table.name) & (pl.col(SOURCE_FILE) == name))
    for table, spool in ((intake.table, intake.accepted), (QUARANTINE, intake.rejected)):
        rows = spool.scan()
        if rows is not None:
            lake.append(table, rows)
    if intake.withdrawn is not None:
        lake.append(intake.table, intake.withdrawn)
    intake.batches.write()
