"""Feedback events of users in the serving database: added to a manifest, counted, and erased with the user."""

from dataclasses import replace
from datetime import datetime

import sqlalchemy as sa

from nightschool.columns import INTERACTIONS
from nightschool.data.feedback_source import feedback_part, with_feedback
from nightschool.data.manifest.manifest import Manifest
from nightschool.data.readers.queries import after_erasure, gives_rows
from nightschool.data.readers.sources import SourceFile
from nightschool.data.readers.sql import Sql
from nightschool.errors import NightschoolError
from nightschool.ids import is_storable
from nightschool.ingest.ledger import Ledger
from nightschool.shown.impression_store import ImpressionStore
from nightschool.shown.list_store import ListStore
from nightschool.storage.database import find_database, reading
from nightschool.storage.erasing import erase
from nightschool.storage.erasure_log import UserId
from nightschool.storage.events import EventStore
from nightschool.storage.home import Home
from nightschool.storage.keys import Keys
from nightschool.storage.tables import EVENTS, EXPOSURES, IMPRESSIONS, KEYS, LISTS, USER_CHANGES


def with_new_feedback(manifest: Manifest, home: Home, address: str) -> Manifest:
    """Add the feedback events to a manifest, from the first event that counts onwards.

    Raises:
        Unreachable: The database does not answer.
    """
    engine = find_database(address)
    if engine is None:
        return manifest
    try:
        if feedback_part(manifest) is not None:
            return manifest
        newest = EventStore(engine).newest()
    finally:
        engine.dispose()
    widened = with_feedback(manifest, address)
    return widened if newest and gives_rows(*_query(widened, home)) else manifest


def count_feedback(user_id: UserId, address: str) -> dict[str, int]:
    """Count what the database holds of a user: events, lists, impressions, exposures, changes and keys.

    Tables without any are left out.

    Raises:
        Unreachable: The database does not answer.
    """
    engine = find_database(address) if is_storable(str(user_id)) else None
    if engine is None:
        return {}
    try:
        told = (EVENTS, LISTS, IMPRESSIONS, EXPOSURES, USER_CHANGES, KEYS)
        with reading(engine) as connection:
            found = {table.name: _count(connection, table, str(user_id)) for table in told}
    finally:
        engine.dispose()
    return {name: rows for name, rows in found.items() if rows}


def _count(connection: sa.Connection, table: sa.Table, user_id: str) -> int:
    query = sa.select(sa.func.count()).select_from(table).where(table.c.user_id == user_id)
    return int(connection.execute(query).scalar_one())


def erase_feedback(home: Home, manifest: Manifest, user_id: UserId, address: str, now: datetime) -> None:
    """Delete a user's events, impressions, lists, exposures and attributes, and note in the ledger what is missing.

    Keys that were made for the user are revoked. It can be interrupted at any instant and called again.

    Raises:
        Unreachable: The database does not answer.
    """
    engine = find_database(address)
    if engine is None:
        return
    try:
        Keys(engine).forget(str(user_id))
        EventStore(engine).forget(str(user_id))
        ImpressionStore(engine).forget(str(user_id))
        ListStore(engine).forget(str(user_id))
        for table in (EXPOSURES, USER_CHANGES) if is_storable(str(user_id)) else ():
            erase(engine, table, table.c.user_id == str(user_id))
    finally:
        engine.dispose()
    part = feedback_part(manifest)
    if part is None:
        return
    source, file = _query(manifest, home)
    ledger = Ledger(home.lake, now)
    known = ledger.known(INTERACTIONS, file)
    if known is not None and known.position is not None:
        ledger.note(INTERACTIONS, file, part, replace(known, position=after_erasure(source, file, known)))
        ledger.write()


def _query(manifest: Manifest, home: Home) -> tuple[Sql, SourceFile]:
    part = feedback_part(manifest)
    if part is None or not isinstance(part.format, Sql):
        raise NightschoolError("the manifest has no events that people sent", do="report this")
    return part.format, part.sources(home.binding.source_root)[0]
