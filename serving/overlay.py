"""What was said of items and users since a release, laid over it: of two statements the newer one counts."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import polars as pl

from nightschool.columns import AVAILABLE_AT, ITEM_ID, ITEMS, UNTIL, USER_ID, USERS, WITHDRAWN
from nightschool.data.attributes import Attributes, Declared
from nightschool.data.manifest.manifest import Items, Users
from nightschool.errors import ConfigurationError
from nightschool.ids import parse_id
from nightschool.storage.changes import StoredChange
from serving.changed_snapshot import ChangedSnapshot
from serving.schemas.common import ExternalId
from serving.snapshot import Snapshot

Changes = Mapping[str, Sequence[StoredChange]]
"""What was said of items and of users, in order, by the table's name."""


@dataclass(frozen=True)
class _Told:
    """An item or user, as what was said so far describes it.

    Attributes:
        attributes: By name, as the table holds them; None where it has none.
        gone: Whether it is withdrawn.
        since: When the first change that counts was made; None: none was.
    """

    attributes: Attributes
    gone: bool = False
    since: datetime | None = None

    def says_as(self, other: "_Told") -> bool:
        """Return whether both describe the same."""
        return (self.attributes, self.gone) == (other.attributes, other.gone)


class Overlay:
    """A release and what was said since, which grows change by change: only what a change is about is made again.

    Attributes:
        base: The release.
        shown: The release with what was said.
    """

    def __init__(self, base: Snapshot) -> None:
        self.base = base
        self.shown = base
        manifest, binding = base.manifest, base.binding
        self._items = _Said(ITEMS.name, ITEM_ID, binding.item_id, _declared(manifest.items))
        self._users = _Said(USERS.name, USER_ID, binding.user_id, _declared(manifest.users))

    def add(self, changes: Changes, now: datetime) -> Snapshot:
        """Lay further changes over the release, and return it.

        Args:
            changes: What was said after what was added before; what is older than what the release knows is left out.
            now: The time, by which items may have ended.
        """
        items = self._items.add(changes.get(ITEMS.name, ()), self.base, self.base.catalogue.frame)
        users = self._users.add(changes.get(USERS.name, ()), self.base, self.base.users)
        items |= self._ended(now)
        if items or users:
            self.shown = self._laid(self._rows_of_items(items, now), self._rows_of_users(users), users)
        return self.shown

    def next_end(self, now: datetime) -> datetime | None:
        """Return when the first of the items ends that differ from the release; None where none does."""
        ends = (each.attributes[UNTIL] for each in self._items.told.values())
        return min((end for end in ends if end is not None and end > now), default=None)

    def _laid(self, items: pl.DataFrame, users: pl.DataFrame, touched: set[ExternalId]) -> Snapshot:
        frame = self.shown.users
        if touched:
            others = frame.filter(~pl.col(USER_ID).is_in(pl.Series([*touched], dtype=frame.schema[USER_ID]).implode()))
            frame = pl.concat([others, users]).sort(USER_ID)
        if not self._items.differing() and not self._users.differing():
            return self.base
        return ChangedSnapshot.over(self.base, self.shown, items, frame)

    def _rows_of_items(self, touched: set[ExternalId], now: datetime) -> pl.DataFrame:
        """Return items as they are now, with the columns of the catalogue."""
        rows = []
        for item_id in touched:
            told, row = self._items.told[item_id], self._items.rows.get(item_id)
            if row is not None and told.says_as(self._items.first[item_id]):
                rows.append(row)
                continue
            until = told.attributes[UNTIL]
            row = row or {ITEM_ID: item_id}
            about = {AVAILABLE_AT: row.get(AVAILABLE_AT) or told.since}
            about[WITHDRAWN] = told.gone or (until is not None and until <= now)
            rows.append({**row, **_with_lists(told.attributes, self.base.catalogue.frame.schema), **about})
        return _framed(rows, self.base.catalogue.frame)

    def _rows_of_users(self, touched: set[ExternalId]) -> pl.DataFrame:
        """Return the users who have not left, with the columns of the release's users."""
        told = {user_id: self._users.told[user_id] for user_id in touched}
        rows = [{USER_ID: user_id, **each.attributes} for user_id, each in told.items() if not each.gone]
        return _framed(rows, self.base.users)

    def _ended(self, now: datetime) -> set[ExternalId]:
        """Return the items that are shown as available although they have ended."""
        catalogue, ended = self.shown.catalogue, set()
        for item_id, told in self._items.told.items():
            until, place = told.attributes[UNTIL], catalogue.position(item_id)
            if until is not None and until <= now and place is not None and catalogue.current[place]:
                ended.add(item_id)
        return ended


@dataclass
class _Said:
    """What was said of the items or the users of a release.

    Attributes:
        table: The table's name.
        key: The column of its ids.
        kind: How the home writes ids.
        declared: What the manifest declares; None: it has no such table.
        told: Items or users of which anything was said, by id.
        first: The same as the release has them.
        rows: The release's rows of them.
    """

    table: str
    key: str
    kind: str
    declared: Declared | None
    told: dict[ExternalId, _Told] = field(default_factory=dict)
    first: dict[ExternalId, _Told] = field(default_factory=dict)
    rows: dict[ExternalId, dict[str, Any]] = field(default_factory=dict)

    def add(self, changes: Sequence[StoredChange], base: Snapshot, frame: pl.DataFrame) -> set[ExternalId]:
        """Take in changes; return what they are about, and what they may have changed."""
        if self.declared is None or not changes:
            return set()
        ids = {change.entity_id: parse_id(change.entity_id, self.kind) for change in changes}
        known = _rows_of(base.newest[self.table], self.key, ids.values())
        before, touched = _rows_of(frame, self.key, ids.values()), set[ExternalId]()
        for change in changes:
            entity_id = ids[change.entity_id]
            newest = known.get(entity_id) if entity_id is not None else None
            if entity_id is None or (newest is not None and change.at <= newest[AVAILABLE_AT]):
                continue
            start = self.first.get(entity_id) or _of_release(self.declared, before.get(entity_id), newest)
            made = _after(self.told.get(entity_id, start), change, self.declared)
            if entity_id in self.told or not made.says_as(start):
                self.first[entity_id], self.told[entity_id] = start, made
                touched.add(entity_id)
        self.rows |= {entity_id: before[entity_id] for entity_id in touched if entity_id in before}
        return touched

    def differing(self) -> bool:
        """Return whether anything is otherwise than the release has it."""
        return any(not each.says_as(self.first[entity_id]) for entity_id, each in self.told.items())


def _declared(part: Items | Users | None) -> Declared | None:
    return None if part is None else Declared.by(part)


def _of_release(declared: Declared, row: Mapping[str, Any] | None, newest: Mapping[str, Any] | None) -> _Told:
    """Return an item or user as the release has it; withdrawn where it has none."""
    row = row or {}
    attributes = {name: None if row.get(name) == [] else row.get(name) for name in declared.attributes}
    if UNTIL in attributes:
        # The release's rows say there when an item was withdrawn.
        attributes[UNTIL] = newest[UNTIL] if newest else None
    return _Told(attributes, gone=bool(newest[WITHDRAWN]) if newest else True)


def _after(told: _Told, change: StoredChange, declared: Declared) -> _Told:
    """Return what a change makes of an item or user; nothing where the manifest has changed since and it misfits."""
    since = told.since or change.at
    if change.action == "withdraw":
        return replace(told, gone=True, since=since)
    try:
        said = declared.changed(told.attributes, change.action, change.attributes)
    except ConfigurationError:
        return told
    return _Told(said, gone=False, since=since)


def _rows_of(frame: pl.DataFrame, key: str, ids: Iterable[ExternalId | None]) -> dict[ExternalId, dict[str, Any]]:
    """Return the rows of some ids, by id."""
    wanted = pl.Series([*{*ids} - {None}], dtype=frame.schema[key]).implode()
    return {row[key]: row for row in frame.filter(pl.col(key).is_in(wanted)).iter_rows(named=True)}


def _framed(rows: Sequence[Mapping[str, Any]], like: pl.DataFrame) -> pl.DataFrame:
    """Return rows with the columns of a frame."""
    named = [{name: row.get(name) for name in like.columns} for row in rows]
    return pl.DataFrame(named, schema=like.schema)


def _with_lists(attributes: Attributes, schema: pl.Schema) -> dict[str, Any]:
    """Return attributes with an empty list where there is none."""
    lists = {name for name, dtype in schema.items() if isinstance(dtype, pl.List)}
    return {name: [] if value is None and name in lists else value for name, value in attributes.items()}
