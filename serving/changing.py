"""Adding, changing and withdrawing items and users: checked against the manifest, stored, and in force at once."""

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Final, NamedTuple

import polars as pl

from nightschool.columns import AVAILABLE_AT, ITEM_ID, ITEMS, USER_ID, USERS, Table
from nightschool.data.attributes import Action, Declared
from nightschool.data.normalization.limits import LONGEST_ID
from nightschool.errors import ConfigurationError, NotFound, Unreachable
from nightschool.ids import require_id
from nightschool.storage.changes import Change, ChangeStore, StoredChange
from serving.schemas.common import ExternalId
from serving.service import Service
from serving.snapshot import Snapshot

_CONTROLS: Final = re.compile(r"[\x00-\x1F\x7F-\x9F]")


class Asked(NamedTuple):
    """What a request says of an item or user."""

    entity_id: ExternalId
    action: Action
    attributes: Mapping[str, Any]


class Changed(NamedTuple):
    """What became of it."""

    entity_id: ExternalId
    stored: StoredChange
    repeated: bool


def change_entities(service: Service, table: Table, asked: Sequence[Asked], sent_by: str = "") -> list[Changed]:
    """Store what is said of items or users, all of it or none; once it is on the disk, this worker's answers heed it.

    Args:
        service: The service.
        table: `ITEMS` or `USERS`.
        asked: What is said.
        sent_by: The name of the key; empty without one.

    Raises:
        NotFound: An id can be none, what is changed or withdrawn is unknown, or a user was erased; nothing was written.
        ConfigurationError: An attribute is unknown or has no such value, or an id is there twice; nothing was written.
        Unreachable: The database does not answer, or no release is published yet.
    """
    service.take_changes()
    snapshot, store = service.current.snapshot, service.current.changes.stores[table.name]
    declared = _declared(snapshot, table)
    ids = [_known_id(snapshot, table, each.entity_id) for each in asked]
    if len(set(ids)) < len(ids):
        twice = next(each for place, each in enumerate(ids) if each in ids[:place])
        raise ConfigurationError("an id is there twice", seen=str(twice)[:100], do="say all of an item at once")
    if table is USERS:
        service.current.require_remembered(ids)
    known = _newest_known(snapshot, table, ids)
    changes = [
        Change(str(entity_id), each.action, _attributes(each, declared), known.get(entity_id))
        for entity_id, each in zip(ids, asked, strict=True)
    ]
    for entity_id, each in zip(ids, asked, strict=True):
        if each.action != "put" and not _is_known(snapshot, table, store, entity_id, known):
            raise NotFound(f"no such {_word(table)}", seen=str(entity_id)[:100], do="add it with PUT")
    stored = store.append(changes, sent_by)
    # It is on the disk: where it cannot be read back now, the next refresh does.
    with suppress(Unreachable):
        service.take_changes()
    return [Changed(entity_id, *each) for entity_id, each in zip(ids, stored, strict=True)]


def _declared(snapshot: Snapshot, table: Table) -> Declared:
    part = snapshot.manifest.items if table is ITEMS else snapshot.manifest.users
    if part is None:
        do = f"describe them in the manifest under [{table.name}]"
        raise ConfigurationError(f"the dataset has no table of {table.name}", do=do)
    return Declared.by(part)


def _known_id(snapshot: Snapshot, table: Table, given: ExternalId) -> ExternalId:
    """Return an id as the home writes it.

    Raises:
        NotFound: It can be none.
        ConfigurationError: It is too long, or has control characters or blanks around it, which no file can have.
    """
    text = str(given)
    if not text or len(text) > LONGEST_ID or _CONTROLS.search(text) or text != text.strip():
        do = f"give 1 to {LONGEST_ID} characters without control characters and without blanks around them"
        raise ConfigurationError(f"this can be no id of {table.name}", seen=ascii(text[:100])[1:-1], do=do)
    return snapshot.require_user_id(given) if table is USERS else require_id(text, snapshot.binding.item_id, "item")


def _attributes(asked: Asked, declared: Declared) -> dict[str, Any]:
    found = declared.checked(asked.attributes)
    if asked.action == "put":
        found = {name: value for name, value in found.items() if value is not None}
        if not found:
            do = "give what describes it; to withdraw it, send DELETE"
            raise ConfigurationError("nothing is said", seen=str(asked.entity_id)[:100], do=do)
    return found


def _newest_known(snapshot: Snapshot, table: Table, ids: Sequence[ExternalId]) -> dict[ExternalId, Any]:
    """Return when the newest statement was known that the release holds of each id."""
    key = ITEM_ID if table is ITEMS else USER_ID
    frame = snapshot.newest[table.name]
    wanted = frame.filter(pl.col(key).is_in(pl.Series(ids, dtype=frame.schema[key]).implode()))
    return dict(wanted.select(key, AVAILABLE_AT).iter_rows())


def _is_known(
    snapshot: Snapshot, table: Table, store: ChangeStore, entity_id: ExternalId, known: Mapping[ExternalId, Any]
) -> bool:
    """Return whether the release or an earlier change holds an item or user."""
    in_catalogue = table is ITEMS and snapshot.catalogue.position(entity_id) is not None
    return in_catalogue or entity_id in known or store.count_of(str(entity_id)) > 0


def _word(table: Table) -> str:
    return "item" if table is ITEMS else "user"
