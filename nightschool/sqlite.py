"""SQLite files as addresses, and back."""

from pathlib import Path
from typing import Final
from urllib.parse import quote, unquote

SQLITE: Final = "sqlite:///"
_FILE: Final = "file:"
_AS_URI: Final = "?uri=true"


def sqlite_address(path: Path, driver: str = "") -> str:
    """Return SQLAlchemy's address of an SQLite file, for instance `sqlite:///path`.

    SQLAlchemy cuts an address at the first `?`; a path that holds one is written as a URI of SQLite.
    """
    scheme = SQLITE.replace(":", f"+{driver}:") if driver else SQLITE
    return f"{scheme}{_FILE}{quote(str(path))}{_AS_URI}" if "?" in str(path) else f"{scheme}{path}"


def sqlite_path(address: str) -> Path | None:
    """Return the file that an address made by `sqlite_address` names; None for an address of another kind."""
    if not address.startswith(SQLITE):
        return None
    rest = address.removeprefix(SQLITE)
    if rest.startswith(_FILE) and rest.endswith(_AS_URI):
        return Path(unquote(rest.removeprefix(_FILE).removesuffix(_AS_URI)))
    return Path(rest)
