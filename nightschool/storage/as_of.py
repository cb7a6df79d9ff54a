"""The source tables as they were known at an instant, and the newest such instant."""

from datetime import UTC, datetime

import polars as pl

from nightschool.columns import (
    ALWAYS,
    AVAILABLE_AT,
    INTERACTIONS,
    ITEM_ID,
    ITEMS,
    READ_AT,
    SOURCES,
    STATE,
    USER_ID,
    USERS,
    Table,
)
from nightschool.data.revisions import events_at, known_at
from nightschool.errors import DataRefused
from nightschool.storage.lake import Lake


def scan_at(lake: Lake, table: Table, as_of: datetime) -> pl.LazyFrame:
    """Scan users, items or interactions as they were known at an instant."""
    if table is INTERACTIONS:
        return events_at(lake.scan(table), as_of)
    return known_at(lake.scan(table), as_of, USER_ID if table is USERS else ITEM_ID)


def newest_known(lake: Lake) -> datetime:
    """Find the newest available_at of all source tables that has passed, UTC; without times, the last ingest's.

    Raises:
        DataRefused: Nothing is known yet.
    """
    now = datetime.now(UTC)
    passed = pl.col(AVAILABLE_AT).filter(pl.col(AVAILABLE_AT) <= now).max()
    newest = [lake.scan(table).select(passed).collect().item() for table in (INTERACTIONS, USERS, ITEMS)]
    latest: datetime | None = max((instant for instant in newest if instant is not None), default=None)
    if latest is None:
        raise DataRefused("nothing was known yet", seen=now.isoformat(), do="ingest rows whose time has passed")
    if latest > ALWAYS:
        return latest
    read: datetime = lake.scan(SOURCES).filter(pl.col(STATE).is_null()).select(pl.col(READ_AT).max()).collect().item()
    return read
