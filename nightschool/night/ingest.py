"""Stage 1 of a night: source rows into the tables, exactly once, and the bad ones into quarantine."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl

from nightschool.columns import (
    INTERACTIONS,
    ITEM_ID,
    ITEMS,
    QUARANTINE,
    SOURCE_FILE,
    TABLE,
    USER_ID,
    USERS,
    Table,
)
from nightschool.data.manifest import Interactions, Items, Manifest, Users
from nightschool.data.readers import Reading, before_torn_line, sources_of
from nightschool.data.sources import SourceFile
from nightschool.errors import ConfigurationError
from nightschool.night.arrivals import Arrivals, placed
from nightschool.night.ingest_entities import take_entities
from nightschool.night.intake import Checks, Intake, Occasion, TableCounts, judged
from nightschool.night.ledger import Ledger, mapping
from nightschool.night.quarantine import settle
from nightschool.storage.lake import Lake, literal


@dataclass(frozen=True)
class IngestReport:
    """Rows in = already known + accepted + quarantined, table by table."""

    tables: Mapping[str, TableCounts]
    warnings: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The numbers by table, for JSON."""
        return {name: counts.to_dict() for name, counts in self.tables.items()}


def ingest(
    manifest: Manifest, source_root: Path, lake: Lake, *, check: Checks, first_seen: datetime, now: datetime
) -> IngestReport:
    """What became of every source row. All files are read and judged before anything is written.

    Args:
        manifest: What the files are.
        source_root: The folder that they lie below.
        lake: The home's tables.
        check: The row and batch rules.
        first_seen: T of the night that takes the rows in, or the clock of the `ingest`.
        now: The clock.

    Raises:
        NotFound: A file is missing.
        DataRefused: A file cannot be read or was changed in place, or too many rows are bad; nothing was written.
        ConfigurationError: The manifest no longer fits what was taken in by it; nothing was written.
    """
    ledger = Ledger(lake, now)
    ledger.undo_unfinished()
    settle(lake)
    occasion = Occasion(manifest, source_root, lake, ledger, check, first_seen, now)
    try:
        return _ingest(occasion)
    finally:
        lake.clear_spools()


def _ingest(occasion: Occasion) -> IngestReport:
    manifest = occasion.manifest
    _check_known(occasion)
    users, user_ids = _take(occasion, USERS, manifest.users)
    items, item_ids = _take(occasion, ITEMS, manifest.items)
    log = judged(_take_interactions(occasion, {USER_ID: user_ids, ITEM_ID: item_ids}), occasion)
    occasion.ledger.cut()
    for intake in (users, items, log):
        _write(intake, occasion.lake)
    occasion.ledger.write()
    warnings = tuple(warning for intake in (log, users, items) for warning in intake.warnings)
    return IngestReport({intake.table.name: intake.counts() for intake in (log, users, items)}, warnings)


def _check_known(occasion: Occasion) -> None:
    """Makes sure that interactions files mean what they meant; a last line that was cut short will be read again."""
    ledger = occasion.ledger
    for part, file in _log_files(occasion):
        known = ledger.known(INTERACTIONS, file)
        if known is None:
            continue
        if not ledger.was_read_by(part, INTERACTIONS, file):
            raise ConfigurationError(
                f"the manifest's [{INTERACTIONS.name}] is no longer what {file.name} was taken in by",
                do="change it back, or ingest anew with another --home",
            )
        if shorter := before_torn_line(file, part.format, part.source_columns, known):
            ledger.shorten(file, part, shorter)


def _log_files(occasion: Occasion) -> list[tuple[Interactions, SourceFile]]:
    """Every interactions file with the part of the manifest that describes it.

    Raises:
        ConfigurationError: Two parts name one file.
    """
    parts = occasion.manifest.interactions
    pairs = [(part, file) for part in parts for file in sources_of(part, occasion.source_root)]
    names = [file.name for _, file in pairs]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ConfigurationError("two parts of [interactions] name one file", seen=twice[0], do="name it once")
    return pairs


def _take(occasion: Occasion, table: Table, part: Users | Items | None) -> tuple[Intake, pl.Series | None]:
    """What the files bring for users or items, and every id known with them; no ids where no files are declared."""
    if part is None:
        return occasion.intake(table), None
    intake, ids = take_entities(occasion, table, part)
    return judged(intake, occasion), ids


def _take_interactions(occasion: Occasion, declared: Mapping[str, pl.Series | None]) -> Intake:
    """What is new in the interactions files; `declared` holds the known ids where a table declares them."""
    intake, arrivals = occasion.intake(INTERACTIONS), Arrivals(occasion, declared)
    for part, file in _log_files(occasion):
        known = occasion.ledger.known(INTERACTIONS, file)
        reading = Reading(file, part.format, part.source_columns, known)
        for rows in reading.batches():
            good = intake.sort_out(arrivals.judge(rows, part), file, occasion.now)
            if good.height:
                intake.accepted.add(placed(good, file))
                intake.batches.add(mapping(part), part, good)
        intake.already_known += known.rows if known else 0
        occasion.ledger.note(INTERACTIONS, file, part, reading.extent)
    return intake


def _write(intake: Intake, lake: Lake) -> None:
    """Writes a table's rows; a file that was read whole again gets its quarantine anew."""
    for name in intake.reread:
        where = f'"{TABLE}" = {literal(intake.table.name)} AND {SOURCE_FILE} = {literal(name)}'
        lake.delete(QUARANTINE, where)
    for table, spool in ((intake.table, intake.accepted), (QUARANTINE, intake.rejected)):
        rows = spool.scan()
        if rows is not None:
            lake.append(table, rows)
    intake.batches.write()
