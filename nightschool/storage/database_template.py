"""Empty databases of libraries, kept on this machine: making one by all of its migrations takes seconds."""

import os
import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from uuid import uuid4

from nightschool.storage.durable import replacing, sync


def copy_template(name: str, path: Path) -> bool:
    """Copy the empty database kept as `name` to a path, whole or not at all; return False where none is kept.

    A database that somebody else made at the path meanwhile stays.
    """
    draft = path.with_name(f".{path.name}.{uuid4().hex}.tmp")
    template = _location(name)
    if not template.exists():
        return False
    try:
        _copy(template, draft)
    except sqlite3.DatabaseError:
        draft.unlink(missing_ok=True)
        template.unlink(missing_ok=True)
        return False
    link_new(draft, path)
    return True


def keep_template(name: str, database: Path) -> None:
    """Keep a copy of an empty database as `name`; a machine without room for it migrates each new one."""
    with suppress(OSError, sqlite3.OperationalError), replacing(_location(name)) as draft:
        _copy(database, draft)


def link_new(draft: Path, path: Path) -> None:
    """Move a finished file to a path, unless there is one by now: unlike a renaming, a link never replaces it."""
    sync(draft)
    with suppress(FileExistsError):
        path.hardlink_to(draft)
    draft.unlink()
    sync(path.parent)


def _copy(source: Path, target: Path) -> None:
    with closing(sqlite3.connect(source)) as kept, closing(sqlite3.connect(target)) as new:
        kept.backup(new)
        whole = new.execute("PRAGMA quick_check").fetchone() == ("ok",)
        if not whole or new.execute("SELECT 1 FROM sqlite_master").fetchone() is None:
            raise sqlite3.DatabaseError(f"{source} holds no tables, or is damaged")


def _location(name: str) -> Path:
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "nightschool" / f"{name}.db"
