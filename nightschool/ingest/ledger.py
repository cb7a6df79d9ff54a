"""The ingest ledger: how far each source file has been taken in, written last and believed first."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Final, Literal

import polars as pl

from nightschool.columns import (
    ARRIVED_AT,
    BYTES,
    DETAIL,
    FILE,
    HELD,
    INTERACTIONS,
    KIND,
    LIST,
    MAPPING,
    OFFSET,
    POSITION,
    QUARANTINE,
    READ_AT,
    REASON,
    ROWS,
    SHA256,
    SOURCE_FILE,
    SOURCE_ROW,
    SOURCES,
    STATE,
    TABLE,
    Table,
)
from nightschool.data.feedback_source import is_feedback
from nightschool.data.manifest.manifest import Items, Users
from nightschool.data.manifest.sections import Interactions
from nightschool.data.readers.sources import Extent, SourceFile
from nightschool.data.readers.sql import Sql
from nightschool.storage.lake import Lake

Description = Interactions | Items | Users
"""The part of a manifest that describes a table's files."""

Entry = Mapping[str, Any]
"""One row of the `sources` table."""

NOTHING: Final[Entry] = MappingProxyType({})

Decision = Literal["set_aside", "accepted", "dropped"]
"""What is said of a file's content that was not taken in; a file that was has no state."""

SET_ASIDE: Final[Decision] = "set_aside"
ACCEPTED: Final[Decision] = "accepted"
DROPPED: Final[Decision] = "dropped"


class Ledger:
    """How far each file was read, by table and file name; new entries gather until they are written."""

    def __init__(self, lake: Lake, now: datetime) -> None:
        self._lake = lake
        entries = lake.scan(SOURCES).sort(READ_AT, BYTES).collect()
        self._taken: list[Entry] = []
        self._newest: dict[tuple[str, str], Entry] = {}
        self._decided: dict[tuple[str, str], Entry] = {}
        for row in entries.iter_rows(named=True):
            self._learn(row)
        latest = entries[READ_AT].max() if entries.height else None
        # Two readings at one reading of the clock must still have an order.
        self._now = max(now, latest + timedelta(microseconds=1)) if isinstance(latest, datetime) else now
        self._added: list[Entry] = []
        self._shortened: list[Entry] = []

    def known(self, table: Table, file: SourceFile) -> Extent | None:
        """Return how far the file was read for the table; None if it never was."""
        row = self._newest.get((table.name, file.name))
        return extent_of(row) if row else None

    def entry(self, table: Table, file: SourceFile) -> Entry | None:
        """Return the newest entry of a file that was taken in for the table; None where it never was."""
        return self._newest.get((table.name, file.name))

    def decided(self, table: Table, file: SourceFile) -> Entry | None:
        """Return the entry of a file that was set aside or decided upon since; None where it is taken in."""
        return self._decided.get((table.name, file.name))

    def taken(self, table: Table) -> Sequence[Entry]:
        """Return the entries of files taken in for the table, oldest first; those of this ingest come last."""
        return [row for row in self._taken if row[TABLE] == table.name]

    def newest(self) -> Sequence[Entry]:
        """Return the newest entry of every file, of those that were set aside too."""
        return [*self._newest.values(), *self._decided.values()]

    def was_read_by(self, part: Description, table: Table, file: SourceFile) -> bool:
        """Return whether the manifest said the same of the file when it was last read for the table."""
        row = self._newest.get((table.name, file.name))
        return row is not None and (row[MAPPING] == mapping(part) or _is_feedback(part))

    def note(self, table: Table, file: SourceFile, part: Description, extent: Extent, about: Entry = NOTHING) -> None:
        """Add an entry that says how far the file was read, unless that is what the ledger says already.

        Args:
            table: What the file was read for.
            file: The file.
            part: What describes it.
            extent: How far it was read.
            about: `held`, `arrived_at` and `list`, as the table has them.
        """
        entry = self.entry(table, file)
        came_again = (
            entry is not None
            and LIST in about
            and not isinstance(part.format, Sql)
            and (entry[ARRIVED_AT] is None or entry[ARRIVED_AT] < about[ARRIVED_AT])
        )
        if extent != self.known(table, file) or not self.was_read_by(part, table, file) or came_again:
            self._add(self._entry(table, file, part, extent, about))

    def set_aside(self, table: Table, file: SourceFile, part: Description, extent: Extent, about: Entry) -> None:
        """Add an entry that says that this content of the file was not taken in, unless that is said already.

        Args:
            table: What the file was read for.
            file: The file.
            part: What describes it.
            extent: Its content.
            about: `reason` and `detail`, as the table has them.
        """
        entry = self._entry(table, file, part, extent, {STATE: SET_ASIDE, **about})
        said = self.decided(table, file)
        if said is None or any(entry[name] != said[name] for name in (STATE, BYTES, SHA256, POSITION, MAPPING, REASON)):
            self._add(entry)

    def decide(self, table: Table, name: str, decision: Decision) -> Entry | None:
        """Add what was decided of a file that is set aside, and return its entry; None where it is not set aside."""
        found = self._decided.get((table.name, name))
        if found is None:
            return None
        entry = {**found, STATE: decision, READ_AT: self._now}
        self._add(entry)
        return entry

    def shorten(self, file: SourceFile, part: Interactions, extent: Extent) -> None:
        """Note that an interactions file was read only so far: the rows beyond are no longer known."""
        lost = (self.known(INTERACTIONS, file) or extent).rows - extent.rows
        held = (self._newest.get((INTERACTIONS.name, file.name)) or {}).get(HELD)
        entry = self._entry(INTERACTIONS, file, part, extent, {HELD: None if held is None else held - lost})
        self._learn(entry)
        self._shortened.append(entry)

    def lengthen(self, file: SourceFile) -> None:
        """Undo `shorten`: what followed was refused, and the file's last line stays as it was read."""
        cut = [row for row in self._shortened if row[FILE] == file.name]
        self._shortened = [row for row in self._shortened if row not in cut]
        self._taken = [row for row in self._taken if row not in cut]
        for entry in self._taken:
            if entry[TABLE] == INTERACTIONS.name and entry[FILE] == file.name:
                self._newest[INTERACTIONS.name, file.name] = entry

    def known_rows(self) -> pl.LazyFrame:
        """Scan the interactions table without the rows beyond where a file was shortened."""
        rows = self._lake.scan(INTERACTIONS)
        for entry in self._shortened:
            rows = rows.filter((pl.col(SOURCE_FILE) != entry[FILE]) | (pl.col(SOURCE_ROW) <= entry[ROWS]))
        return rows

    def cut(self) -> None:
        """Commit which files were shortened, then delete the rows beyond."""
        if not self._shortened:
            return
        self._append(self._shortened)
        for entry in self._shortened:
            self._delete_file_beyond(INTERACTIONS, entry[FILE], entry[ROWS])
            self._delete_file_beyond(QUARANTINE, entry[FILE], entry[ROWS])
        self._shortened = []

    def write(self) -> None:
        """Commit the new entries all at once; the rows that they count must be in the tables."""
        if self._added:
            self._append(self._added)
            self._added = []

    def undo_unfinished(self) -> None:
        """Delete rows of interactions files that the ledger does not know: an ingest was killed before it ended."""
        rows = {file: row[ROWS] for (table, file), row in self._newest.items() if table == INTERACTIONS.name}
        self._delete_beyond(INTERACTIONS, self._lake.scan(INTERACTIONS), rows)
        self._delete_beyond(QUARANTINE, self._lake.scan(QUARANTINE).filter(pl.col(TABLE) == INTERACTIONS.name), rows)

    def _learn(self, row: Entry) -> None:
        place = (row[TABLE], row[FILE])
        if row[STATE]:
            self._decided[place] = row
            return
        self._taken.append(row)
        self._newest[place] = row
        self._decided.pop(place, None)

    def _add(self, entry: Entry) -> None:
        self._added.append(entry)
        self._learn(entry)

    def _entry(self, table: Table, file: SourceFile, part: Description, extent: Extent, about: Entry) -> Entry:
        read = {FILE: file.name, TABLE: table.name, KIND: part.format.kind, MAPPING: mapping(part), READ_AT: self._now}
        reached = {BYTES: extent.bytes, ROWS: extent.rows, SHA256: extent.sha256, POSITION: extent.position}
        empty = dict.fromkeys((HELD, ARRIVED_AT, STATE, REASON, DETAIL, LIST))
        return {**read, **reached, OFFSET: extent.offset, **empty, **about}

    def _append(self, entries: list[Entry]) -> None:
        schema = {**self._lake.schema(SOURCES), **SOURCES.optional}
        self._lake.append(SOURCES, pl.DataFrame(entries, schema=schema))

    def _delete_beyond(self, table: Table, scan: pl.LazyFrame, rows: Mapping[str, int]) -> None:
        reached = scan.group_by(SOURCE_FILE).agg(pl.col(SOURCE_ROW).max()).collect()
        for file, last in reached.iter_rows():
            if last > rows.get(file, 0):
                self._delete_file_beyond(table, file, rows.get(file, 0))

    def _delete_file_beyond(self, table: Table, file: str, row: int) -> None:
        beyond = (pl.col(SOURCE_FILE) == file) & (pl.col(SOURCE_ROW) > row)
        if table is QUARANTINE:
            beyond &= pl.col(TABLE) == INTERACTIONS.name
        self._lake.delete(table, beyond)


def extent_of(row: Entry) -> Extent:
    """Return how far an entry says that its file was read."""
    return Extent(row[BYTES], row[ROWS], row[SHA256], row[POSITION], row[OFFSET] or 0)


def mapping(part: Description) -> str:
    """Hash what the manifest says about a row's columns; SHA-256 in hexadecimal.

    Which files there are does not count, nor where a database is, nor whether a default is written out; nor whether a
    file lists all users or items. Neither do contexts: files may bring them from some day on. Nor does what encodes
    texts, which changes no row.
    """
    unlike_rows = {"files", "complete", "context", "text_encoder"}
    meaning = part.model_dump(mode="json", exclude=unlike_rows, exclude_defaults=True)
    return hashlib.sha256(json.dumps(meaning, sort_keys=True).encode()).hexdigest()


def _is_feedback(part: Description) -> bool:
    """Return whether the part reads the events that people sent, whose worth may change but not their meaning."""
    return isinstance(part, Interactions) and is_feedback(part)
