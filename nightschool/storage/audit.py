"""The audit log: who changed what an installation shows, and who may ask it."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import sqlalchemy as sa

from nightschool.storage.database import reading, write_one_by_one, writing
from nightschool.storage.operator_tables import AUDIT

_NAMES: Final = (AUDIT.c.who, AUDIT.c.action)


class AuditEntry(NamedTuple):
    """One action.

    Attributes:
        sequence: Its place in the log; a later entry has a larger one.
        who: The name of the key, or of the program; empty where the server has no keys.
        action: A short code, such as `rolled_back`.
        what: What it was done to.
        details: What else is worth knowing; it names no user.
    """

    sequence: int
    at: datetime
    who: str
    action: str
    what: str
    details: Mapping[str, Any]


class AuditLog:
    """The audit log of one installation; nothing is ever taken out of it."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def note(self, who: str, action: str, what: str, details: Mapping[str, Any] | None = None) -> None:
        """Note an action; it is on the disk when this returns.

        Args:
            who: The name of the key, or of the program; empty where the server has no keys.
            action: A short code, such as `rolled_back`.
            what: What it was done to.
            details: What else is worth knowing, as JSON values; it must name no user.

        Raises:
            Unreachable: The database does not answer.
        """
        with writing(self._engine) as connection:
            write_one_by_one(connection)
            note_in(connection, who, action, what, details)

    def newest(self, n: int, before: int | None = None, who: str = "", action: str = "") -> tuple[AuditEntry, ...]:
        """Return the n newest entries, newest first.

        Args:
            n: How many at most.
            before: Only entries with a smaller sequence; None: from the newest on.
            who: Only what that one did; empty: everybody.
            action: Only this action; empty: every action.

        Raises:
            Unreachable: The database does not answer.
        """
        query = sa.select(AUDIT).order_by(AUDIT.c.sequence.desc()).limit(n)
        if before is not None:
            query = query.where(AUDIT.c.sequence < before)
        if who:
            query = query.where(AUDIT.c.who == who)
        if action:
            query = query.where(AUDIT.c.action == action)
        with reading(self._engine) as connection:
            return tuple(AuditEntry(**row._asdict()) for row in connection.execute(query))

    def names(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return everybody who did something and every action that was taken, both in the order of the alphabet."""
        with reading(self._engine) as connection:
            who, actions = (connection.execute(sa.select(column).distinct()).scalars() for column in _NAMES)
            return tuple(sorted(name for name in who if name)), tuple(sorted(actions))


def note_in(
    connection: sa.Connection, who: str, action: str, what: str, details: Mapping[str, Any] | None = None
) -> None:
    """Note an action within a transaction that writes, so that the action and its entry are there together or not.

    Args:
        connection: The transaction.
        who: See `AuditLog.note`.
        action: See `AuditLog.note`.
        what: See `AuditLog.note`.
        details: See `AuditLog.note`.
    """
    row = {"at": datetime.now(UTC), "who": who, "action": action, "what": what, "details": dict(details or {})}
    connection.execute(sa.insert(AUDIT).values(row))
