"""Corrections of quarantined rows that wait in the database and name a user: found, and erased with the user."""

import polars as pl

from nightschool.columns import DETAIL, QUARANTINE, ROW, TABLE
from nightschool.privacy.locate import UserRecords
from nightschool.storage.database import find_database
from nightschool.storage.quarantine.repairs import Repair, Repairs

_SEQUENCE = "sequence"
_TYPES = dict.fromkeys((TABLE, ROW, DETAIL), pl.String) | {_SEQUENCE: pl.Int64}


def repairs_naming(records: UserRecords, address: str) -> list[Repair]:
    """Return the corrections and dismissals that name a user.

    Args:
        records: The user, and where source rows have users.
        address: The database of events.

    Raises:
        Unreachable: The database does not answer.
    """
    engine = find_database(address)
    if engine is None:
        return []
    try:
        known = Repairs(engine).all()
    finally:
        engine.dispose()
    rows = [(each.place.table, each.row, f"{each.reason} {each.detail}", each.sequence) for each in known]
    named = records.among(QUARANTINE, pl.DataFrame(rows, _TYPES, orient="row"))[_SEQUENCE].to_list()
    return [each for each in known if each.sequence in named]


def erase_repairs(records: UserRecords, address: str) -> int:
    """Erase the corrections and dismissals that name a user, and return how many there were.

    It can be interrupted at any instant and called again.

    Args:
        records: The user, and where source rows have users.
        address: The database of events.

    Raises:
        Unreachable: The database does not answer.
    """
    named = repairs_naming(records, address)
    engine = find_database(address) if named else None
    if engine is None:
        return 0
    try:
        return Repairs(engine).forget([each.sequence for each in named])
    finally:
        engine.dispose()
