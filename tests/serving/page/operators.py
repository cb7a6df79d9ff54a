"""What the tests of the operator's pages share: a home with nights, and its audit log."""

from pathlib import Path

from nightschool.settings import Settings
from nightschool.storage.audit import AuditLog
from nightschool.storage.database import open_database


def noted(home: Path) -> list[tuple[str, str, str]]:
    """Who did what to what, the oldest first."""
    entries = AuditLog(open_database(Settings(home=home).events_address)).newest(100)
    return [(entry.who, entry.action, entry.what) for entry in reversed(entries)]
