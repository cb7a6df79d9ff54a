"""What was said of items and users since a release, laid over it: of two statements the newer one counts."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import polars as pl

from nightschool.columns import AVAILABLE_AT, ITEM_ID, ITEMS, UNTIL, USER_ID, USERS, WITHDRAWN
from nightschool.data.attributes import Attributes, Declared
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


def lay_over(base: Snapshot, changes: Changes, now: datetime) -> Snapshot:
    """Return a release with what was said since; the release itself where it knows all of it.

    Args:
        base: The release.
        changes: What was said; what is older than what the release knows of an id is left out.
        now: The time, by which items may have ended.
    """
    items = _changed_items(base, changes.get(ITEMS.name, ()), now)
    users = _changed_users(base, changes.get(USERS.name, ()))
    if items.is_empty() and users is base.users:
        return base
    return ChangedSnapshot.over(base, items, users)


def next_end(snapshot: Snapshot, now: datetime) -> datetime | None:
    """Return when the first of the items ends that differ from the release; None where none does."""
    if not isinstance(snapshot, ChangedSnapshot):
        return None
    ends: list[datetime] = snapshot.changed[UNTIL].drop_nulls().to_list()
    return min((end for end in ends if end > now), default=None)


def _changed_items(base: Snapshot, changes: Sequence[StoredChange], now: datetime) -> pl.DataFrame:
    """Return the items that differ from the release's, with the columns of its catalogue."""
    frame, part = base.catalogue.frame, base.manifest.items
    if part is None or not changes:
        return frame.clear()
    before = _rows_of(frame, ITEM_ID, changes, base.binding.item_id)
    rows = []
    for item_id, told in _differing(base, ITEMS.name, Declared.by(part), before, changes).items():
        until = told.attributes[UNTIL]
        ended = told.gone or (until is not None and until <= now)
        row = before.get(item_id) or {ITEM_ID: item_id}
        known_since = row.get(AVAILABLE_AT) or told.since
        rows.append({**row, **told.attributes, AVAILABLE_AT: known_since, WITHDRAWN: ended})
    return _framed(rows, frame)


def _changed_users(base: Snapshot, changes: Sequence[StoredChange]) -> pl.DataFrame:
    """Return all users with their attributes; the release's frame where none of them differs."""
    frame, part = base.users, base.manifest.users
    if part is None or not changes:
        return frame
    before = _rows_of(frame, USER_ID, changes, base.binding.user_id)
    told = _differing(base, USERS.name, Declared.by(part), before, changes)
    if not told:
        return frame
    rows = _framed([{USER_ID: user_id, **each.attributes} for user_id, each in told.items() if not each.gone], frame)
    others = frame.filter(~pl.col(USER_ID).is_in(pl.Series([*told], dtype=frame.schema[USER_ID]).implode()))
    return pl.concat([others, rows]).sort(USER_ID)


def _differing(
    base: Snapshot,
    table: str,
    declared: Declared,
    before: Mapping[ExternalId, Mapping[str, Any]],
    changes: Sequence[StoredChange],
) -> dict[ExternalId, _Told]:
    """Return the items or users that are otherwise than the release's rows, by id."""
    kind, key = (base.binding.item_id, ITEM_ID) if table == ITEMS.name else (base.binding.user_id, USER_ID)
    known = _rows_of(base.newest[table], key, changes, kind)
    told: dict[ExternalId, _Told] = {}
    first: dict[ExternalId, _Told] = {}
    for change in changes:
        entity_id = parse_id(change.entity_id, kind)
        newest = known.get(entity_id) if entity_id is not None else None
        if entity_id is None or (newest is not None and change.at <= newest[AVAILABLE_AT]):
            continue
        start = first.setdefault(entity_id, _of_release(declared, before.get(entity_id), newest))
        told[entity_id] = _after(told.get(entity_id, start), change, declared)
    return {entity_id: each for entity_id, each in told.items() if each.since and not each.says_as(first[entity_id])}


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


def _rows_of(
    frame: pl.DataFrame, key: str, changes: Iterable[StoredChange], kind: str
) -> dict[ExternalId, dict[str, Any]]:
    """Return the rows of what changes are about, by id."""
    ids = {parse_id(change.entity_id, kind) for change in changes} - {None}
    wanted = frame.filter(pl.col(key).is_in(pl.Series([*ids], dtype=frame.schema[key]).implode()))
    return {row[key]: row for row in wanted.iter_rows(named=True)}


def _framed(rows: Sequence[Mapping[str, Any]], like: pl.DataFrame) -> pl.DataFrame:
    """Return rows with the columns of a frame; an empty list where it has lists and a row has none."""
    lists = [pl.col(name).fill_null([]) for name, dtype in like.schema.items() if isinstance(dtype, pl.List)]
    named = [{name: row.get(name) for name in like.columns} for row in rows]
    return pl.DataFrame(named, schema=like.schema).with_columns(lists)
