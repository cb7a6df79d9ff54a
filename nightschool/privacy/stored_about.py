"""Exporting everything that a home stores about a user: what `forget` would remove, to be read first."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any, Final

import polars as pl
import sqlalchemy as sa

from nightschool.columns import HISTORIES, NIGHTS, REASON, SOURCES, USER_ID, Table
from nightschool.data.manifest.manifest import Manifest
from nightschool.errors import NotFound
from nightschool.ids import is_storable
from nightschool.privacy.locate import TABLES, UserRecords
from nightschool.privacy.repairs import repairs_naming
from nightschool.privacy.text_scrubbing import mentions
from nightschool.storage.database import find_database, reading
from nightschool.storage.erasure_log import UserId
from nightschool.storage.home import Home
from nightschool.storage.operator_tables import REPAIRS
from nightschool.storage.serving_files import lists_path, read_lists
from nightschool.storage.tables import EVENTS, EXPOSURES, IMPRESSIONS, KEYS, LISTS, UNDONE, USER_CHANGES

_ABOUT: Final = {
    EVENTS: "sequence",
    UNDONE: "sequence",
    EXPOSURES: "sequence",
    LISTS: "made_at",
    IMPRESSIONS: "sequence",
    USER_CHANGES: "sequence",
    KEYS: "added_at",
}
"""What the database holds of users, and the column by which rows are in the order of time."""


def stored_about(home: Home, manifest: Manifest, user_id: UserId, address: str) -> dict[str, Any]:
    """Return the rows that name the user, by table, with what they sent, and the lists made for them and seen.

    Corrections of their quarantined rows that still wait are among them.

    Rows of lists and similar users carry their release; similar users include rows of others who have the user as a
    neighbour. Fitted weights are sums over many users, and are left out.

    Args:
        home: Where to look.
        manifest: Says where a quarantined source row has its user.
        user_id: The user.
        address: The database of events.

    Raises:
        NotFound: Nothing names such a user.
        NightschoolError: A table cannot be read.
        Unreachable: The database does not answer.
    """
    records = UserRecords(user_id, home.lake, manifest)
    named = records.counts()
    found = {table.name: records.rows(table) for table in TABLES if table.name in named}
    reasons = {table.name: _mentioning(home, table, user_id) for table in (SOURCES, NIGHTS)}
    sent = _sent(str(user_id), address)
    repairs = repairs_naming(records, address)
    if not found and not repairs and not any(sent.values()):
        raise NotFound("no such user", seen=str(user_id)[:100], do="give an id that the home's users hold")
    return {
        "user_id": user_id,
        "dataset": home.binding.dataset,
        "tables": {name: _plain(rows) for name, rows in found.items()},
        HISTORIES.name: _histories(home, user_id),
        "reasons": {name: rows for name, rows in reasons.items() if rows},
        REPAIRS.name: _values({**each._asdict(), "place": [*each.place]} for each in repairs),
        **sent,
    }


def _histories(home: Home, user_id: UserId) -> dict[str, list[dict[str, Any]]]:
    """Return the user's history as each release keeps it to serve it."""
    kept = {}
    for release in home.releases.stored():
        path = lists_path(home.paths.serving, release.release_id, HISTORIES)
        if path.exists() and (rows := read_lists(path).filter(pl.col(USER_ID) == user_id)).height:
            kept[release.release_id] = _plain(rows)
    return kept


def _mentioning(home: Home, table: Table, user_id: UserId) -> list[dict[str, Any]]:
    named = mentions(pl.col(REASON), user_id).fill_null(value=False)
    return _plain(home.lake.scan(table).filter(named).collect())


def _sent(user_id: str, address: str) -> dict[str, list[dict[str, Any]]]:
    """Return events, which of them were taken back, exposures, lists, impressions, changes of the user, and keys."""
    engine = find_database(address) if is_storable(user_id) else None
    if engine is None:
        return {table.name: [] for table in _ABOUT}
    try:
        with reading(engine) as connection:
            return {table.name: _rows_of(connection, table, user_id) for table in _ABOUT}
    finally:
        engine.dispose()


def _rows_of(connection: sa.Connection, table: sa.Table, user_id: str) -> list[dict[str, Any]]:
    columns = [column for column in table.c if column is not KEYS.c.sha256]
    query = sa.select(*columns).where(table.c.user_id == user_id).order_by(table.c[_ABOUT[table]])
    return _values(dict(row) for row in connection.execute(query).mappings())


def _plain(rows: pl.DataFrame) -> list[dict[str, Any]]:
    return _values(rows.to_dicts())


def _values(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: _value(value) for name, value in row.items()} for row in rows]


def _value(value: Any) -> Any:
    if isinstance(value, datetime | date):
        return value.isoformat()
    return value.hex() if isinstance(value, bytes) else value
