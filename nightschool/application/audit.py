"""Notes in the audit log of what the command line and Prefect's flows do to a home."""

import logging
from collections.abc import Mapping
from typing import Any, Final

from nightschool.errors import Unreachable
from nightschool.settings import Settings
from nightschool.storage.audit import AuditLog
from nightschool.storage.database import open_database

COMMAND_LINE: Final = "command line"

logger = logging.getLogger("nightschool.application")


def note(action: str, what: str, details: Mapping[str, Any] | None = None) -> None:
    """Note an action that is done; where the database does not answer, a warning in the log says so.

    Args:
        action: A short code, such as `rolled_back`.
        what: What it was done to.
        details: What else is worth knowing; it must name no user.
    """
    try:
        engine = open_database(Settings().events_address)
        try:
            AuditLog(engine).note(COMMAND_LINE, action, what, details)
        finally:
            engine.dispose()
    except Unreachable as error:
        logger.warning("%s of %s is not in the audit log: %s", action.replace("_", " "), what, error)
