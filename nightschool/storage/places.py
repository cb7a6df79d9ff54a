"""Sequence numbers for the undoing of events, so that readers see events and undoings in one order."""

import sqlalchemy as sa

from nightschool.storage.tables import EVENTS, UNDONE


def next_place(connection: sa.Connection) -> int:
    """Take the next sequence of events, which no event then gets; call it where sequences are assigned one by one.

    There must have been an event.
    """
    if connection.dialect.name == "postgresql":
        drawn = "SELECT nextval(pg_get_serial_sequence('events', 'sequence'))"
    else:
        drawn = "UPDATE sqlite_sequence SET seq = seq + 1 WHERE name = 'events' RETURNING seq"
    return int(connection.exec_driver_sql(drawn).scalar_one())


def place_older(connection: sa.Connection) -> None:
    """Assign a place to undoings of earlier versions, which had none."""
    without = sa.select(UNDONE.c.sequence).join(EVENTS, EVENTS.c.event_id == UNDONE.c.event_id)
    older = connection.execute(without.where(UNDONE.c.place.is_(None)).order_by(UNDONE.c.sequence)).scalars().all()
    for sequence in older:
        row = sa.update(UNDONE).where(UNDONE.c.sequence == sequence)
        connection.execute(row.values(place=next_place(connection)))
