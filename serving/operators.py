"""The database behind the operator's actions: each is noted in the audit log with the name of the key."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import sqlalchemy as sa

from nightschool.settings import Settings
from nightschool.storage.audit import AuditLog
from nightschool.storage.database import open_database

PATIENCE_SECONDS: Final = 2.0
"""How long an action waits for others who write."""


@contextmanager
def operators_database(settings: Settings) -> Iterator[sa.Engine]:
    """Open the database while the block runs.

    Args:
        settings: The settings, which name it.

    Raises:
        Unreachable: It does not answer.
    """
    engine = open_database(settings.events_address, PATIENCE_SECONDS)
    try:
        yield engine
    finally:
        engine.dispose()


def note_action(settings: Settings, who: str, action: str, what: str, details: Mapping[str, Any] | None = None) -> None:
    """Note an action in the audit log.

    Args:
        settings: The settings, which name the database.
        who: The name of the key; empty where the server has no keys.
        action: A short code, such as `held`.
        what: What it was done to.
        details: What else is worth knowing, as JSON values; it names no user.

    Raises:
        Unreachable: The database does not answer.
    """
    with operators_database(settings) as engine:
        AuditLog(engine).note(who, action, what, details)
