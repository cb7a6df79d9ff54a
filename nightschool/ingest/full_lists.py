"""Full lists of users and items: the newest delivery of each list, and the ids that no list holds any more."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import polars as pl

from nightschool.columns import (
    ARRIVED_AT,
    AVAILABLE_AT,
    FILE,
    INSTANT,
    ITEM_ID,
    LIST,
    READ_AT,
    ROWS,
    USER_ID,
    USERS,
    WITHDRAWN,
    Table,
)
from nightschool.data.manifest.manifest import Items, Users
from nightschool.data.normalization.ids import read_ids
from nightschool.data.normalization.parse_values import to_text
from nightschool.data.readers.parsing import RAW
from nightschool.data.readers.source_format import Reading
from nightschool.data.readers.sources import SourceFile
from nightschool.errors import DataRefused, NotFound, Unavailable
from nightschool.ingest.batch import IngestContext
from nightschool.ingest.ledger import Entry, extent_of
from nightschool.ingest.sent_changes import SENT

_MOMENT: Final = timedelta(microseconds=1)


@dataclass
class FullLists:
    """The lists of a table's files, each by its newest delivery.

    Files whose ids mostly agree are deliveries of one list, whatever their names; others are lists of their own.

    Attributes:
        newest: List to the ledger's entry of its newest delivery.
        ids: List to the ids of its newest delivery, as far as they were read.
    """

    context: IngestContext
    table: Table
    part: Users | Items
    files: Mapping[str, SourceFile]
    newest: dict[str, Entry]
    ids: dict[str, pl.Series]

    @classmethod
    def of(cls, context: IngestContext, table: Table, part: Users | Items, files: Sequence[SourceFile]) -> "FullLists":
        """Find the lists that earlier ingests took in."""
        newest: dict[str, Entry] = {}
        files_alone = [entry for entry in context.ledger.taken(table) if entry[FILE] != SENT[table.name]]
        for entry in sorted(files_alone, key=_arrival):
            newest[entry[LIST] or entry[FILE]] = entry
        return cls(context, table, part, {file.name: file for file in files}, newest, {})

    @property
    def key(self) -> str:
        """Return the column of the ids."""
        return USER_ID if self.table is USERS else ITEM_ID

    def came_again(self, file: SourceFile, arrived: datetime) -> bool:
        """Return whether a file that is as it was has arrived once more, after the newest delivery of its list.

        Where several older deliveries bear a later time at once, their folder was copied: none of them counts.
        """
        entry = self.context.ledger.entry(self.table, file)
        if entry is None or entry[ARRIVED_AT] is None:
            return False
        name = entry[LIST] or entry[FILE]
        newest = self.newest[name]
        if newest[FILE] == file.name or arrived <= _arrival(newest)[0] or arrived <= entry[ARRIVED_AT]:
            return False
        others = {row[FILE] for row in self.context.ledger.taken(self.table) if (row[LIST] or row[FILE]) == name}
        return not any(self._is_later(other, newest) for other in others - {file.name, newest[FILE]})

    def list_of(self, file: SourceFile, ids: pl.Series) -> str:
        """Return the list that a file delivers: its own, else one whose ids it mostly shares, else a new one."""
        entry = self.context.ledger.entry(self.table, file)
        if entry is not None:
            return str(entry[LIST] or entry[FILE])
        for name in self.newest:
            theirs = self.ids_of(name)
            if theirs is None:
                continue
            shared = int(ids.is_in(theirs.implode()).sum())
            if 2 * shared > min(len(ids), len(theirs)):
                return name
        return file.name

    def rows_of(self, name: str) -> int | None:
        """Return how many rows the newest delivery of a list held; None for a new list."""
        entry = self.newest.get(name)
        return int(entry[ROWS]) if entry else None

    def deliver(self, name: str, ids: pl.Series, file: SourceFile) -> None:
        """Make a file, which the ledger has noted, the newest delivery of a list."""
        entry = self.context.ledger.entry(self.table, file)
        if entry is not None:
            self.newest[name] = entry
        self.ids[name] = ids

    def ids_of(self, name: str) -> pl.Series | None:
        """Return the ids of a list's newest delivery; None where its file is gone or is not that delivery any more."""
        if name not in self.ids:
            entry = self.newest[name]
            file = self.files.get(entry[FILE])
            ids = self._alive() if file is None and len(self.newest) == 1 else self._read(file, entry)
            if ids is None:
                return None
            self.ids[name] = ids
        return self.ids[name]

    def withdrawn(self, newest: pl.DataFrame, arrived: datetime) -> pl.DataFrame:
        """Return rows that withdraw who is in no list any more: the id, available_at and withdrawn.

        There are none while a list cannot be read, since its members are not known.

        Args:
            newest: The newest row of each id, those of this ingest included.
            arrived: When the lists arrived.
        """
        alive = newest.filter(pl.col(WITHDRAWN).fill_null(value=False).not_())
        lists = [self.ids_of(name) for name in self.newest]
        there = [ids for ids in lists if ids is not None]
        if len(there) < len(lists) or not lists:
            return alive.clear().select(self.key, AVAILABLE_AT, WITHDRAWN)
        gone = alive.filter(~pl.col(self.key).is_in(pl.concat(there).implode()))
        since = pl.max_horizontal(pl.lit(arrived, INSTANT), pl.col(AVAILABLE_AT) + _MOMENT)
        return gone.select(self.key, since.alias(AVAILABLE_AT), pl.lit(value=True).alias(WITHDRAWN))

    def _is_later(self, name: str, newest: Entry) -> bool:
        file = self.files.get(name)
        return file is not None and self.context.arrival(file, self.part.format) > _arrival(newest)[0]

    def _alive(self) -> pl.Series:
        rows = self.context.lake.scan(self.table).select(self.key, AVAILABLE_AT, WITHDRAWN)
        newest = rows.sort(AVAILABLE_AT).unique(self.key, keep="last").collect()
        return newest.filter(pl.col(WITHDRAWN).fill_null(value=False).not_())[self.key]

    def _read(self, file: SourceFile | None, entry: Entry) -> pl.Series | None:
        if file is None:
            return None
        lake = self.context.lake
        dtype = lake.user_id if self.table is USERS else lake.item_id
        try:
            if not self.part.format.is_unchanged(file, extent_of(entry)):
                return None
            blocks = list(Reading(file, self.part.format, (self.part.id,)).batches())
        except (DataRefused, NotFound, Unavailable):
            return None
        fold_case = self.table is USERS and self.context.manifest.fold_case
        texts = [to_text(rows[RAW].struct.field(self.part.id)) for rows in blocks]
        ids = [read_ids(text, dtype, fold_case=fold_case).values.drop_nulls() for text in texts]
        return pl.concat([pl.Series(dtype=dtype), *ids]).unique()


def _arrival(entry: Entry) -> tuple[datetime, datetime]:
    return (entry[ARRIVED_AT] or entry[READ_AT], entry[READ_AT])
