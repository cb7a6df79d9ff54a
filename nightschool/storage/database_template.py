"""Empty databases of libraries, kept on this machine: making one by all of its migrations takes seconds.

They save time alone: where there is no place for them, or one cannot be read, a database is made by its migrations.
"""

import os
import sqlite3
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path
from uuid import uuid4

from nightschool.storage.durable import replacing, sync

_REST = ("-wal", "-shm", "-journal")
"""Files that a killed process leaves beside a database, and that SQLite would replay onto a copy in its place."""


def copy_template(name: str, path: Path) -> bool:
    """Copy the empty database kept as `name` to a path, whole or not at all; return False where there is none to copy.

    A database that somebody else made at the path meanwhile stays.
    """
    template = _location(name)
    if template is None:
        return False
    draft = path.with_name(f".{path.name}.{uuid4().hex}.tmp")
    try:
        if not template.exists():
            return False
        _copy(template, draft, ())
        if not path.exists():
            for rest in _REST:
                path.with_name(f"{path.name}{rest}").unlink(missing_ok=True)
        link_new(draft, path)
    except (OSError, sqlite3.OperationalError):
        return False
    except sqlite3.DatabaseError:
        with suppress(OSError):
            template.unlink()
        return False
    finally:
        draft.unlink(missing_ok=True)
    return True


def keep_template(name: str, database: Path, empty: Sequence[str] = ()) -> None:
    """Keep a copy of a new database as `name`, unless it has been used.

    Args:
        name: Of the library and its version.
        database: The database, which may be open elsewhere.
        empty: Tables that have rows once it is used.
    """
    template = _location(name)
    if template is not None:
        with suppress(OSError, sqlite3.Error), replacing(template) as draft:
            _copy(database, draft, empty)


def link_new(draft: Path, path: Path) -> None:
    """Move a finished file to a path, unless there is one by now: unlike a renaming, a link never replaces it."""
    try:
        sync(draft)
        with suppress(FileExistsError):
            path.hardlink_to(draft)
    finally:
        draft.unlink()
    sync(path.parent)


def _copy(source: Path, target: Path, empty: Sequence[str]) -> None:
    with closing(sqlite3.connect(source)) as kept, closing(sqlite3.connect(target)) as new:
        kept.backup(new)
        # One in another mode could not be read from a folder that cannot be written.
        new.execute("PRAGMA journal_mode=DELETE")
        whole = new.execute("PRAGMA quick_check").fetchone() == ("ok",)
        if not whole or new.execute("SELECT 1 FROM sqlite_master").fetchone() is None:
            raise sqlite3.DatabaseError(f"{source} holds no tables, or is damaged")
        for table in empty:
            if new.execute(f"SELECT 1 FROM {table} LIMIT 1").fetchone():  # noqa: S608 - a name of the caller's code
                raise sqlite3.DatabaseError(f"{source} has been used: {table} has rows")


def _location(name: str) -> Path | None:
    cache = os.environ.get("XDG_CACHE_HOME")
    try:
        folder = Path(cache) if cache else Path.home() / ".cache"
    except RuntimeError:  # a user without a home
        return None
    return folder / "nightschool" / f"{name}.db"
