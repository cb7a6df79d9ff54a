"""The ingest ledger: how far each source file has been taken in, written last and believed first."""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import polars as pl

from nightschool.columns import (
    BYTES,
    FILE,
    INTERACTIONS,
    KIND,
    MAPPING,
    POSITION,
    QUARANTINE,
    READ_AT,
    ROWS,
    SHA256,
    SOURCE_FILE,
    SOURCE_ROW,
    SOURCES,
    TABLE,
    Table,
)
from nightschool.data.manifest import Interactions, Items, Users
from nightschool.data.sources import Extent, SourceFile
from nightschool.storage.lake import Lake, literal

Description = Interactions | Items | Users
"""The part of a manifest that describes a table's files."""


class Ledger:
    """How far each file was read, by table and file name; new entries gather until they are written."""

    def __init__(self, lake: Lake, now: datetime) -> None:
        self._lake = lake
        entries = lake.scan(SOURCES).sort(READ_AT, BYTES).collect()
        self._newest: dict[tuple[str, str], Mapping[str, Any]] = {
            (row[TABLE], row[FILE]): row for row in entries.iter_rows(named=True)
        }
        latest = entries[READ_AT].max() if entries.height else None
        # Two readings at one reading of the clock must still have an order.
        self._now = max(now, latest + timedelta(microseconds=1)) if isinstance(latest, datetime) else now
        self._added: list[Mapping[str, Any]] = []
        self._shortened: list[Mapping[str, Any]] = []

    def known(self, table: Table, file: SourceFile) -> Extent | None:
        """How far the file was read for the table; None where it never was."""
        row = self._newest.get((table.name, file.name))
        return Extent(row[BYTES], row[ROWS], row[SHA256], row[POSITION]) if row else None

    def was_read_by(self, part: Description, table: Table, file: SourceFile) -> bool:
        """Whether the manifest said the same of the file when it was last read for the table."""
        row = self._newest.get((table.name, file.name))
        return row is not None and row[MAPPING] == mapping(part)

    def note(self, table: Table, file: SourceFile, part: Description, extent: Extent) -> None:
        """Takes down that the file was read so far, unless that is what the ledger says already."""
        if extent != self.known(table, file) or not self.was_read_by(part, table, file):
            self._added.append(self._entry(table, file, part, extent))

    def shorten(self, file: SourceFile, part: Interactions, extent: Extent) -> None:
        """Takes down that an interactions file was read only so far: the rows beyond are no longer known."""
        entry = self._entry(INTERACTIONS, file, part, extent)
        self._newest[INTERACTIONS.name, file.name] = entry
        self._shortened.append(entry)

    def known_rows(self) -> pl.LazyFrame:
        """The rows of the interactions table but for those beyond where a file was shortened."""
        rows = self._lake.scan(INTERACTIONS)
        for entry in self._shortened:
            rows = rows.filter((pl.col(SOURCE_FILE) != entry[FILE]) | (pl.col(SOURCE_ROW) <= entry[ROWS]))
        return rows

    def cut(self) -> None:
        """Commits which files were shortened, then removes the rows beyond."""
        if self._shortened:
            self._append(self._shortened)
            self._shortened = []
            self.undo_unfinished()

    def write(self) -> None:
        """Commits the new entries, all at once: what they speak of must be in the tables."""
        if self._added:
            self._append(self._added)
            self._added = []

    def undo_unfinished(self) -> None:
        """Removes the rows of interactions files that the ledger does not know of: an ingest died before its end."""
        rows = {file: row[ROWS] for (table, file), row in self._newest.items() if table == INTERACTIONS.name}
        self._delete_beyond(INTERACTIONS, rows, None)
        self._delete_beyond(QUARANTINE, rows, pl.col(TABLE) == INTERACTIONS.name)

    def _entry(self, table: Table, file: SourceFile, part: Description, extent: Extent) -> Mapping[str, Any]:
        read = {FILE: file.name, TABLE: table.name, KIND: part.format.kind, MAPPING: mapping(part), READ_AT: self._now}
        reached = {BYTES: extent.bytes, ROWS: extent.rows, SHA256: extent.sha256, POSITION: extent.position}
        return {**read, **reached}

    def _append(self, entries: list[Mapping[str, Any]]) -> None:
        self._lake.append(SOURCES, pl.DataFrame(entries, schema=self._lake.schema(SOURCES)))

    def _delete_beyond(self, table: Table, rows: Mapping[str, int], only: pl.Expr | None) -> None:
        scan = self._lake.scan(table) if only is None else self._lake.scan(table).filter(only)
        reached = scan.group_by(SOURCE_FILE).agg(pl.col(SOURCE_ROW).max()).collect()
        for file, last in reached.iter_rows():
            if last > rows.get(file, 0):
                where = f"{SOURCE_FILE} = {literal(file)} AND {SOURCE_ROW} > {rows.get(file, 0)}"
                scope = "" if only is None else f" AND {_quoted(TABLE)} = {literal(INTERACTIONS.name)}"
                self._lake.delete(table, where + scope)


def mapping(part: Description) -> str:
    """SHA-256 of what the manifest makes of a row, in hexadecimal.

    Which files there are does not count, nor where a database is, nor whether a default is written out.
    """
    meaning = part.model_dump(mode="json", exclude={"files"}, exclude_defaults=True)
    return hashlib.sha256(json.dumps(meaning, sort_keys=True).encode()).hexdigest()


def _quoted(column: str) -> str:
    """A column's name where SQL has a word of its own that reads the same."""
    return f'"{column}"'
