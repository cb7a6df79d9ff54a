"""Changes of items and users that the service was sent, as rows of their tables."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

import polars as pl

from nightschool.columns import (
    AVAILABLE_AT,
    DETAIL,
    INSTANT,
    ITEM_ID,
    ITEMS,
    REASON,
    ROW,
    SOURCE_ROW,
    USER_ID,
    USERS,
    WITHDRAWN,
    Table,
)
from nightschool.data.attributes import Attributes, Declared
from nightschool.data.manifest.manifest import Items, Users
from nightschool.data.readers.parsing import RAW
from nightschool.errors import ConfigurationError
from nightschool.ids import parse_id
from nightschool.storage.changes import ChangeStore, StoredChange
from nightschool.storage.database import find_database
from nightschool.storage.lake import Lake
from nightschool.storage.tables import ITEM_CHANGES, USER_CHANGES

SENT: Final[Mapping[str, str]] = {ITEMS.name: "sent_items", USERS.name: "sent_users"}
"""How the ledger and reports call what was said of items, and of users."""

_FROM: Final = {ITEMS.name: ITEM_CHANGES, USERS.name: USER_CHANGES}


@dataclass(frozen=True)
class SentChanges:
    """What the service was told of items or users, and no ingest has taken in.

    Attributes:
        changes: In the order in which they were sent.
        there: The ids, as text, that are there because they were sent: no full list withdraws them.
        position: The sequence of the last change that was taken in.
        newest: The sequence of the last change.
    """

    changes: Sequence[StoredChange] = ()
    there: frozenset[str] = frozenset()
    position: int = 0
    newest: int = 0

    def between(self, after: datetime | None, until: datetime | None) -> list[StoredChange]:
        """Return what was said after an instant and until another one; None: without such an end."""
        later = [change for change in self.changes if after is None or change.at > after]
        return [change for change in later if until is None or change.at <= until]


NOTHING: Final = SentChanges()
"""What a service was told that was told nothing."""


class SentRows(NamedTuple):
    """What changes bring for a table.

    Attributes:
        described: Rows of items or users, with the columns of `FAULT`; those that do not fit have a reason.
        gone: Rows that withdraw: the id, available_at and withdrawn.
        known: Changes that say what the table holds, or that something newer has overruled.
    """

    described: pl.DataFrame
    gone: pl.DataFrame
    known: int


def read_sent_changes(address: str, positions: Mapping[str, int]) -> dict[str, SentChanges]:
    """Read what was sent after these sequences, by the table's name; nothing where there is no database.

    Where the database holds fewer changes than were taken in, it is another one, and is read from its beginning.

    Raises:
        Unreachable: The database does not answer.
    """
    engine = find_database(address)
    if engine is None:
        return {}
    try:
        return {name: _read(ChangeStore(engine, table), positions.get(name, 0)) for name, table in _FROM.items()}
    finally:
        engine.dispose()


def _read(store: ChangeStore, position: int) -> SentChanges:
    newest = store.newest()
    changes = store.after(position if position <= newest else 0)
    return SentChanges(changes, frozenset(store.there()), position, newest)


class SentReader:
    """Lays changes over the newest rows of a table, one after the other."""

    def __init__(self, lake: Lake, table: Table, part: Users | Items, newest: pl.DataFrame, now: datetime) -> None:
        """Prepare to read.

        Args:
            lake: Holds what described an item or user before it was withdrawn.
            table: Items or users.
            part: The manifest's section.
            newest: The newest row of each id.
            now: The clock: what a file announces for later overrules nothing that was said until then.
        """
        self._lake = lake
        self._now = now
        self._table = table
        self._id = part.id
        self._declared = Declared.by(part)
        self._key = USER_ID if table is USERS else ITEM_ID
        self._newest = newest
        self._kind = lake.user_id if table is USERS else lake.item_id

    def rows(self, changes: Sequence[StoredChange]) -> SentRows:
        """Return the rows that changes bring, each known from when it was said; the newer statement counts."""
        ids = {change.entity_id: parse_id(change.entity_id, str(self._kind)) for change in changes}
        since, gone, described = self._state([known for known in ids.values() if known is not None])
        rows: list[dict[str, Any]] = []
        left: list[dict[str, Any]] = []
        for change in changes:
            entity = ids[change.entity_id]
            if entity is None:
                rows.append(self._fault(change, None, f"bad_{self._table.name[:-1]}", change.entity_id))
                continue
            if entity in since and change.at <= since[entity]:
                continue
            if change.action == "withdraw":
                if entity in since and entity not in gone:
                    left.append({self._key: entity, AVAILABLE_AT: change.at, WITHDRAWN: True})
                    since[entity] = change.at
                    gone.add(entity)
                continue
            before = described.get(entity, {})
            try:
                said = self._declared.changed(before, change.action, change.attributes)
            except ConfigurationError as error:
                rows.append(self._fault(change, entity, "bad_attribute", str(error)))
                continue
            if entity not in since or entity in gone or said != before:
                rows.append({self._key: entity, **said, AVAILABLE_AT: change.at, **self._origin(change)})
                since[entity], described[entity] = change.at, said
                gone.discard(entity)
        return SentRows(self._frame(rows), self._gone(left), len(changes) - len(rows) - len(left))

    def _state(self, ids: Sequence[Any]) -> tuple[dict[Any, datetime], set[Any], dict[Any, Attributes]]:
        """Return since when the newest of each id is known, which of them are gone, and what describes them."""
        asked = pl.col(self._key).is_in(pl.Series(ids, dtype=self._kind).implode())
        there = [self._lake.scan(self._table).filter(asked).collect(), self._newest.filter(asked)]
        known = pl.concat(there, how="diagonal").filter(pl.col(AVAILABLE_AT) <= self._now)
        known = known.sort(AVAILABLE_AT, maintain_order=True)
        newest = known.unique(self._key, keep="last", maintain_order=True)
        absent = pl.col(WITHDRAWN).fill_null(value=False)
        since = dict(newest.select(self._key, AVAILABLE_AT).iter_rows())
        gone = set(newest.filter(absent)[self._key])
        names = self._declared.attributes
        described: dict[Any, Attributes] = {
            row[self._key]: {name: _or_none(row.get(name)) for name in names}
            for row in known.filter(~absent).iter_rows(named=True)
        }
        return since, gone, described

    def _fault(self, change: StoredChange, entity: Any, reason: str, detail: str) -> dict[str, Any]:
        about = {REASON: reason, DETAIL: detail[:100]}
        return {self._key: entity, AVAILABLE_AT: change.at, **self._origin(change), **about}

    def _origin(self, change: StoredChange) -> dict[str, Any]:
        # Who is forgotten is found by the column that holds the id in files.
        row = {self._id: change.entity_id, **change.attributes}
        return {SOURCE_ROW: change.sequence, ROW: json.dumps(row, ensure_ascii=False)}

    def _frame(self, rows: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
        columns = {each.name: each.dtype for each in self._declared.attributes.values()}
        texts = dict.fromkeys((REASON, DETAIL, ROW), pl.String())
        schema = {self._key: self._kind, **columns, AVAILABLE_AT: INSTANT, SOURCE_ROW: pl.Int64(), **texts}
        labels = pl.List(pl.String())
        lists = [pl.col(name).fill_null([]) for name, dtype in columns.items() if dtype == labels]
        return pl.DataFrame(rows, schema=schema).with_columns(*lists, pl.struct(ROW).alias(RAW))

    def _gone(self, rows: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
        return pl.DataFrame(rows, schema={self._key: self._kind, AVAILABLE_AT: INSTANT, WITHDRAWN: pl.Boolean()})


def _or_none(value: Any) -> Any:
    return None if value == [] else value
